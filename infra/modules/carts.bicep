// Where the storefront keeps its carts: an account of its own, so that an outage of the orders' does not close the shop.
import { Tags, AccountName } from './types.bicep'

param location string
param tags Tags
param accountName AccountName
param petstoreIdentityName string
@description('Closes the public endpoint.')
param private bool

@minValue(1)
@maxValue(365)
@description('How long a cart is kept that nobody touches.')
param cartDays int = 30

resource petstore 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: petstoreIdentityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: accountName
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

  // No versions: each click overwrites the record, and a cart of a minute ago is worth nothing. A deleted one can be
  // brought back for a week.
  resource blob 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: 7 }
      containerDeleteRetentionPolicy: { enabled: true, days: 7 }
    }

    resource container 'containers' = {
      name: 'carts' // the storefront's own name for it
      properties: { publicAccess: 'None' }
    }
  }

  // Records only: their names are hexadecimal (a rule takes ten prefixes, hence two rules). The marks, pending/…, say
  // which records owe an order. A mark is not touched while its order waits, and would go by its age before its record,
  // which every attempt to send writes anew; then nobody would find the order. The storefront takes marks away itself.
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          for half in [0, 8]: {
            name: 'delete-old-carts-${half}'
            type: 'Lifecycle'
            enabled: true
            definition: {
              filters: {
                blobTypes: ['blockBlob']
                prefixMatch: map(range(half, 8), digit => 'carts/${substring('0123456789abcdef', digit, 1)}')
              }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: cartDays } } }
            }
          }
        ]
      }
    }
    dependsOn: [blob]
  }
}

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource cartsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blob::container.id, petstore.id, blobDataContributor)
  scope: account::blob::container
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    principalId: petstore.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

output blobEndpoint string = account.properties.primaryEndpoints.blob
