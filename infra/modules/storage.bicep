// Two accounts on purpose: the fallback must still run when the account of the orders is down, so the
// host's leases, keys and deployment package may not live in it.
import { Tags, Operator, AccountName } from './types.bicep'

param location string
param tags Tags
param hostAccountName AccountName
param ordersAccountName AccountName
param deploymentContainerName string
param ordersContainerName string
param reserverIdentityName string
param operator Operator
@description('Closes the public endpoints of both accounts.')
param private bool
@description('Nobody deletes the orders with their account, not even with the resource group, until the lock is taken off.')
param lockOrders bool

@minValue(1)
@maxValue(365)
@description('How long deleted orders and overwritten versions are kept.')
param retentionDays int = 14

resource reserver 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: reserverIdentityName
}

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: hostAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
  }

  resource blob 'blobServices' = {
    name: 'default'

    resource packages 'containers' = {
      name: deploymentContainerName
      properties: { publicAccess: 'None' }
    }
  }
}

resource orders 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: ordersAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
  }

  // A cart overwrites the session's earlier one: versions keep what was there before.
  resource blob 'blobServices' = {
    name: 'default'
    properties: {
      isVersioningEnabled: true
      deleteRetentionPolicy: { enabled: true, days: retentionDays }
      containerDeleteRetentionPolicy: { enabled: true, days: retentionDays }
    }

    resource container 'containers' = {
      name: ordersContainerName
      properties: { publicAccess: 'None' }
    }
  }

  // Versions are never deleted by themselves.
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'delete-old-versions'
            type: 'Lifecycle'
            enabled: true
            definition: {
              filters: { blobTypes: ['blockBlob'] }
              actions: { version: { delete: { daysAfterCreationGreaterThan: retentionDays } } }
            }
          }
        ]
      }
    }
    dependsOn: [blob]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (lockOrders) {
  name: 'orders-stay'
  scope: orders
  properties: { level: 'CanNotDelete', notes: 'The orders of the shop. Take the lock off before azd down.' }
}

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource hostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, reserver.id, blobDataOwner)
  scope: host
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
    principalId: reserver.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource ordersRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(orders::blob::container.id, reserver.id, blobDataContributor)
  scope: orders::blob::container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    principalId: reserver.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource ordersUserRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operator.principalId)) {
  name: guid(orders.id, operator.principalId, blobDataContributor)
  scope: orders
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    principalId: operator.principalId
    principalType: operator.principalType
  }
}

output hostBlobEndpoint string = host.properties.primaryEndpoints.blob
output ordersBlobEndpoint string = orders.properties.primaryEndpoints.blob
