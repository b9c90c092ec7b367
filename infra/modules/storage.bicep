// Two accounts on purpose: the fallback must still run when the account of the orders is down, so the
// host's leases, keys and deployment package may not live in it.
param location string
param tags object
param hostAccountName string
param ordersAccountName string
param deploymentContainerName string
param ordersContainerName string
param reserverPrincipalId string
param userPrincipalId string
param userPrincipalType string

@minValue(1)
@maxValue(365)
@description('How long deleted orders and overwritten versions are kept.')
param retentionDays int = 14

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: take(hostAccountName, 24)
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
  name: take(ordersAccountName, 24)
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

var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource hostRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(host.id, reserverPrincipalId, blobDataOwner)
  scope: host
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
    principalId: reserverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource ordersRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(orders::blob::container.id, reserverPrincipalId, blobDataContributor)
  scope: orders::blob::container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    principalId: reserverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource ordersUserRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(userPrincipalId)) {
  name: guid(orders.id, userPrincipalId, blobDataContributor)
  scope: orders
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    principalId: userPrincipalId
    principalType: userPrincipalType
  }
}

output hostBlobEndpoint string = host.properties.primaryEndpoints.blob
output ordersBlobEndpoint string = orders.properties.primaryEndpoints.blob
output ordersAccountId string = orders.id
output ordersAccountName string = orders.name
