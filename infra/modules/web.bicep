// The storefront: a static binary on App Service for Linux.
import { Tags } from './types.bicep'

param location string
param tags Tags
param name string
param planName string
param planSku string
param identityName string
param serviceBusFqdn string
param queueName string
param cartsBlobEndpoint string
param workspaceId string
@description('Subnet through which the storefront goes out; empty: none.')
param subnetId string

var free = planSku == 'F1' // can neither stay awake nor be probed

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'linux'
  sku: { name: planSku }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'petstore' })
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false // any instance serves any shopper
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      // Any built-in image does: it only has to run the command. From local disk, as a redeploy overwrites what lies in
      // /home, a network share, while it runs; and in place of the shell, which would not pass SIGTERM on.
      linuxFxVersion: 'DOTNETCORE|10.0'
      appCommandLine: 'cp /home/site/wwwroot/petstore /tmp/petstore && chmod +x /tmp/petstore && exec /tmp/petstore'
      alwaysOn: !free
      healthCheckPath: free ? null : '/health'
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusFqdn
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identity.properties.clientId
      ORDERS_QUEUE_NAME: queueName
      PetStoreStorage__blobServiceUri: cartsBlobEndpoint
      PetStoreStorage__credential: 'managedidentity'
      PetStoreStorage__clientId: identity.properties.clientId
      PORT: '8080'
      WEBSITES_PORT: '8080'
      SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'
      WEBSITES_CONTAINER_STOP_TIME_LIMIT: '20' // seconds from SIGTERM to SIGKILL; 5 is the default, we take up to 15
      RUST_LOG: 'info'
    }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
}

// The shop goes on without the bus, silently: its log is how anybody is told.
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AppServiceConsoleLogs', enabled: true }]
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
