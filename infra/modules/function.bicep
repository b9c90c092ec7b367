// The function app: Flex Consumption with a custom handler.
import { Tags } from './types.bicep'

param location string
param tags Tags
param name string
param planName string
param identityName string
@description('Without any role; its token is for the Logic App only.')
param fallbackIdentityName string
@description('Instances times maxConcurrentCalls of host.json is what runs at a time.')
param maximumInstanceCount int
@description('Instances that never sleep; 0: the first message after a pause may wait for up to two minutes.')
param alwaysReadyInstances int
@description('Subnet through which the function goes out; empty: none.')
param subnetId string
param applicationInsightsConnectionString string
param hostBlobEndpoint string
param deploymentContainerName string
param ordersBlobEndpoint string
param ordersContainerName string
param serviceBusFqdn string
param queueName string
param fallbackUrl string
param fallbackTokenScope string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource fallbackIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: fallbackIdentityName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'reserver' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {}, '${fallbackIdentity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [{ name: 'function:OrderItemsReserver', instanceCount: alwaysReadyInstances }]
      }
      runtime: { name: 'custom', version: '1.0' }
    }
    siteConfig: { minTlsVersion: '1.2' } // nothing else: the plan refuses what it does not know, ftpsState for one
  }

  // Not to be set on this plan: FUNCTIONS_WORKER_RUNTIME, FUNCTIONS_EXTENSION_VERSION, WEBSITE_RUN_FROM_PACKAGE.
  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusFqdn
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identity.properties.clientId
      ORDERS_QUEUE_NAME: queueName
      OrdersStorage__blobServiceUri: ordersBlobEndpoint
      OrdersStorage__credential: 'managedidentity'
      OrdersStorage__clientId: identity.properties.clientId
      ORDERS_CONTAINER: ordersContainerName
      FALLBACK_URL: fallbackUrl
      FALLBACK_TOKEN_SCOPE: fallbackTokenScope
      FALLBACK_CLIENT_ID: fallbackIdentity.properties.clientId
      RUST_LOG: 'info'
    }
  }

  // No user name and password for deployments.
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

output name string = app.name
