// The queue of the cart updates.
import { Tags, Operator } from './types.bicep'

param location string
param tags Tags
param namespaceName string
param queueName string
param requiresSession bool
param petstoreIdentityName string
param reserverIdentityName string
param operator Operator
param workspaceId string

resource petstore 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: petstoreIdentityName
}

resource reserver 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: reserverIdentityName
}

resource namespace 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: namespaceName
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard' } // Basic has neither duplicate detection nor sessions
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }

  resource queue 'queues' = {
    name: queueName
    properties: {
      // The first three are fixed when the queue is created: a change means delete and create.
      // Without sessions, the guarded write keeps the order of a session; publishers stamp SessionId all the same.
      requiresSession: requiresSession
      requiresDuplicateDetection: true
      enablePartitioning: false // the guard compares sequence numbers: they must grow over the whole queue
      duplicateDetectionHistoryTimeWindow: 'PT10M'
      lockDuration: 'PT5M' // the longest there is; the host renews it up to maxAutoLockRenewalDuration
      maxDeliveryCount: 10 // a delivery is one upload, three retries and the fallback
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
      maxSizeInMegabytes: 1024
    }
  }
}

var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
var dataReceiver = '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
var dataOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'

resource senderRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::queue.id, petstore.id, dataSender)
  scope: namespace::queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
    principalId: petstore.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// Enough to receive. On the namespace, as the scale controller looks there; to read the queue's length it
// would take Data Owner, without which scaling is less exact.
resource receiverRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace.id, reserver.id, dataReceiver)
  scope: namespace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
    principalId: reserver.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource userRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operator.principalId)) {
  name: guid(namespace.id, operator.principalId, dataOwner)
  scope: namespace
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
    principalId: operator.principalId
    principalType: operator.principalType
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output fqdn string = '${namespace.name}.servicebus.windows.net'
