// The whole system in one resource group. `azd up` deploys it; infra/README.md tells the rest.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment: names the resource group and seeds every resource name.')
param environmentName string

@minLength(1)
@metadata({ azd: { type: 'location' } })
@description('Region. Must offer Flex Consumption: az functionapp list-flexconsumption-locations')
param location string

@minLength(5)
@description('Mailbox that gets the orders that could not be stored, and the alerts.')
param notificationEmail string

@description('Object id of the person or pipeline that deploys; may read orders and dead letters. Empty: nobody.')
param principalId string = ''

@allowed(['User', 'ServicePrincipal', 'Group'])
@description('What principalId is.')
param principalType string = 'User'

@description('The queue of the cart updates: ORDERS_QUEUE_NAME of function and storefront.')
param queueName string = 'order-items'

@description('Whether the queue has sessions. Fixed when the queue is created; goes with isSessionsEnabled in function.json.')
param requiresSession bool = false

@description('Container of the orders: ORDERS_CONTAINER of the function.')
param ordersContainerName string = 'orders'

@allowed(['Europe', 'United States', 'UK', 'Australia', 'Asia Pacific'])
@description('Where the e-mail service keeps its data at rest.')
param emailDataLocation string = 'Europe'

@allowed(['F1', 'B1', 'S1', 'P0v3'])
@description('Plan of the storefront. F1 costs nothing, sleeps, and is limited to 60 CPU minutes a day.')
param webPlanSku string = 'B1'

@secure()
@minLength(32)
@description('Signs the storefront\'s cookies: PETSTORE_COOKIE_KEY. Left out, each provisioning makes a new one, which empties the open carts.')
param cookieKey string = '${newGuid()}${newGuid()}'

var abbrs = loadJsonContent('./abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var deploymentContainerName = 'app-package-${token}'

resource rg 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourcesResourceGroups}${environmentName}'
  location: location
  tags: tags
}

module identity './modules/identity.bicep' = {
  name: 'identity'
  scope: rg
  params: {
    location: location
    tags: tags
    reserverName: '${abbrs.managedIdentityUserAssignedIdentities}reserver-${token}'
    petstoreName: '${abbrs.managedIdentityUserAssignedIdentities}petstore-${token}'
  }
}

module storage './modules/storage.bicep' = {
  name: 'storage'
  scope: rg
  params: {
    location: location
    tags: tags
    hostAccountName: '${abbrs.storageStorageAccounts}fn${token}'
    ordersAccountName: '${abbrs.storageStorageAccounts}ord${token}'
    deploymentContainerName: deploymentContainerName
    ordersContainerName: ordersContainerName
    reserverPrincipalId: identity.outputs.reserverPrincipalId
    userPrincipalId: principalId
    userPrincipalType: principalType
  }
}

module monitoring './modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: rg
  params: {
    location: location
    tags: tags
    workspaceName: '${abbrs.operationalInsightsWorkspaces}${token}'
    applicationInsightsName: '${abbrs.insightsComponents}${token}'
    publisherPrincipalId: identity.outputs.reserverPrincipalId
  }
}

module serviceBus './modules/servicebus.bicep' = {
  name: 'servicebus'
  scope: rg
  params: {
    location: location
    tags: tags
    namespaceName: '${abbrs.serviceBusNamespaces}${token}'
    queueName: queueName
    requiresSession: requiresSession
    senderPrincipalId: identity.outputs.petstorePrincipalId
    receiverPrincipalId: identity.outputs.reserverPrincipalId
    userPrincipalId: principalId
    userPrincipalType: principalType
    workspaceId: monitoring.outputs.workspaceId
  }
}

module email './modules/email.bicep' = {
  name: 'email'
  scope: rg
  params: {
    tags: tags
    emailServiceName: '${abbrs.communicationEmailServices}${token}'
    communicationServiceName: '${abbrs.communicationCommunicationServices}${token}'
    dataLocation: emailDataLocation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module fallback './modules/fallback.bicep' = {
  name: 'fallback'
  scope: rg
  params: {
    location: location
    tags: tags
    workflowName: '${abbrs.logicWorkflows}fallback-${token}'
    callerPrincipalId: identity.outputs.reserverPrincipalId
    communicationServiceName: email.outputs.communicationServiceName
    emailEndpoint: email.outputs.endpoint
    senderAddress: email.outputs.senderAddress
    recipientAddress: notificationEmail
    workspaceId: monitoring.outputs.workspaceId
  }
}

// Last in the graph: its identity's roles on the deployment container need a minute to be known everywhere.
module reserver './modules/function.bicep' = {
  name: 'reserver'
  scope: rg
  params: {
    location: location
    tags: tags
    name: '${abbrs.webSitesFunctions}reserver-${token}'
    planName: '${abbrs.webServerFarms}fn-${token}'
    identityResourceId: identity.outputs.reserverId
    identityClientId: identity.outputs.reserverClientId
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    hostBlobEndpoint: storage.outputs.hostBlobEndpoint
    deploymentContainerName: deploymentContainerName
    ordersBlobEndpoint: storage.outputs.ordersBlobEndpoint
    ordersContainerName: ordersContainerName
    serviceBusFqdn: serviceBus.outputs.fqdn
    queueName: queueName
    fallbackUrl: fallback.outputs.triggerUrl
    fallbackTokenScope: fallback.outputs.tokenScope
  }
}

module petstore './modules/web.bicep' = {
  name: 'petstore'
  scope: rg
  params: {
    location: location
    tags: tags
    name: '${abbrs.webSitesAppService}petstore-${token}'
    planName: '${abbrs.webServerFarms}web-${token}'
    planSku: webPlanSku
    identityResourceId: identity.outputs.petstoreId
    identityClientId: identity.outputs.petstoreClientId
    serviceBusFqdn: serviceBus.outputs.fqdn
    queueName: queueName
    cookieKey: cookieKey
    workspaceId: monitoring.outputs.workspaceId
  }
}

module alerts './modules/alerts.bicep' = {
  name: 'alerts'
  scope: rg
  params: {
    location: location
    tags: tags
    actionGroupName: '${abbrs.insightsActionGroups}${token}'
    notificationEmail: notificationEmail
    serviceBusId: serviceBus.outputs.namespaceId
    queueName: queueName
    workflowId: fallback.outputs.workflowId
    ordersAccountId: storage.outputs.ordersAccountId
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = rg.name
output SERVICE_RESERVER_NAME string = reserver.outputs.name
output SERVICE_PETSTORE_NAME string = petstore.outputs.name
output PETSTORE_URL string = petstore.outputs.url
output ORDERS_STORAGE_ACCOUNT string = storage.outputs.ordersAccountName

// Named as the settings are: `azd env get-values` serves a local run against Azure.
output ServiceBusConnection__fullyQualifiedNamespace string = serviceBus.outputs.fqdn
output ORDERS_QUEUE_NAME string = queueName
output OrdersStorage__blobServiceUri string = storage.outputs.ordersBlobEndpoint
output ORDERS_CONTAINER string = ordersContainerName
