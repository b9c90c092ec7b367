// A network of their own: the function goes out through it, and reaches both storage accounts at private addresses.
import { AccountName, Tags } from './types.bicep'

param location string
param tags Tags
param name string
param accountNames AccountName[]
@description('A namespace with private endpoints, which take tier Premium; empty: the bus stays public.')
param serviceBusName string

// One for each app, as each service delegates a subnet of its own; and one for the endpoints.
resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] }
    subnets: [
      {
        name: 'function'
        properties: {
          addressPrefix: '10.0.1.0/24'
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'storefront'
        properties: {
          addressPrefix: '10.0.2.0/24'
          delegations: [{ name: 'web', properties: { serviceName: 'Microsoft.Web/serverFarms' } }]
        }
      }
      { name: 'endpoints', properties: { addressPrefix: '10.0.3.0/24' } }
    ]
  }

  resource function 'subnets' existing = { name: 'function' }
  resource storefront 'subnets' existing = { name: 'storefront' }
  resource endpoints 'subnets' existing = { name: 'endpoints' }
}

resource blobZone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: 'privatelink.blob.${environment().suffixes.storage}'
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    tags: tags
    properties: { virtualNetwork: { id: network.id }, registrationEnabled: false }
  }
}

resource accounts 'Microsoft.Storage/storageAccounts@2025-01-01' existing = [
  for account in accountNames: {
    name: account
  }
]

resource blobEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for (account, index) in accountNames: {
    name: 'pep-${account}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::endpoints.id }
      privateLinkServiceConnections: [
        { name: 'blob', properties: { privateLinkServiceId: accounts[index].id, groupIds: ['blob'] } }
      ]
    }
  }
]

resource blobNames 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (account, index) in accountNames: {
    parent: blobEndpoints[index]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: 'blob', properties: { privateDnsZoneId: blobZone.id } }] }
  }
]

resource bus 'Microsoft.ServiceBus/namespaces@2026-01-01' existing = if (!empty(serviceBusName)) {
  name: serviceBusName
}

resource busZone 'Microsoft.Network/privateDnsZones@2024-06-01' = if (!empty(serviceBusName)) {
  name: 'privatelink.servicebus.windows.net'
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    tags: tags
    properties: { virtualNetwork: { id: network.id }, registrationEnabled: false }
  }
}

resource busEndpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = if (!empty(serviceBusName)) {
  name: 'pep-${serviceBusName}'
  location: location
  tags: tags
  properties: {
    subnet: { id: network::endpoints.id }
    privateLinkServiceConnections: [
      { name: 'bus', properties: { privateLinkServiceId: bus.id, groupIds: ['namespace'] } }
    ]
  }

  resource names 'privateDnsZoneGroups' = {
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: 'bus', properties: { privateDnsZoneId: busZone.id } }] }
  }
}

output functionSubnetId string = network::function.id
output storefrontSubnetId string = network::storefront.id
