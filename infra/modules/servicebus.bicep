// The queue of the cart updates.
import { Tags, Operator } from './types.bicep'

param location string
param tags Tags
param namespaceName string
param queueName string
@allowed(['Standard', 'Premium'])
@description('Premium: units of its own, and private with a network. Fixed when the namespace is created.')
param sku string
@description('Closes the public endpoint.')
param private bool
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
  // Basic has neither duplicate detection nor sessions.
  sku: { name: sku, tier: sku, capacity: sku == 'Premium' ? 1 : null }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
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
      maxSizeInMegabytes: 5120 // the most there is on Standard, at no other price
    }
  }
}

var dataSender = '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
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

// To receive, Data Receiver would do. But the scale controller reads the queue's length with this identity, too, and
// without Manage rights falls back to the age of the oldest message: a burst is met one instance at a time, and an
// outage, in which messages wait by design, adds instances for a handful of carts.
resource receiverRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::queue.id, reserver.id, dataOwner)
  scope: namespace::queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
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
  }
}

output fqdn string = '${namespace.name}.servicebus.windows.net'
