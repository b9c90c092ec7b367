// The function app: Flex Consumption with a custom handler.
param location string
param tags object
param name string
param planName string
param identityResourceId string
param identityClientId string
param applicationInsightsName string
param hostBlobEndpoint string
param deploymentContainerName string
param ordersBlobEndpoint string
param ordersContainerName string
param serviceBusFqdn string
param queueName string
param fallbackUrl string
param fallbackTokenScope string

resource appInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'reserver' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityResourceId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobEndpoint}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityResourceId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40 // the least there is; times maxConcurrentCalls of host.json
      }
      runtime: { name: 'custom', version: '1.0' }
    }
    siteConfig: { minTlsVersion: '1.2' } // nothing else: the plan refuses what it does not know, ftpsState for one
  }

  // Not to be set on this plan: FUNCTIONS_WORKER_RUNTIME, FUNCTIONS_EXTENSION_VERSION, WEBSITE_RUN_FROM_PACKAGE.
  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: appInsights.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      AzureWebJobsStorage__blobServiceUri: hostBlobEndpoint
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusFqdn
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identityClientId
      ORDERS_QUEUE_NAME: queueName
      OrdersStorage__blobServiceUri: ordersBlobEndpoint
      OrdersStorage__credential: 'managedidentity'
      OrdersStorage__clientId: identityClientId
      ORDERS_CONTAINER: ordersContainerName
      FALLBACK_URL: fallbackUrl
      FALLBACK_TOKEN_SCOPE: fallbackTokenScope
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
