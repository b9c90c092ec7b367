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
var operator = { principalId: principalId, principalType: principalType }

// Names are made here and handed to every module that needs them: a name out of another module's outputs would be
// unknown before that has run, and what-if would show neither roles nor alerts.
var names = {
  reserverIdentity: '${abbrs.managedIdentityUserAssignedIdentities}reserver-${token}'
  petstoreIdentity: '${abbrs.managedIdentityUserAssignedIdentities}petstore-${token}'
  hostAccount: '${abbrs.storageStorageAccounts}fn${token}'
  ordersAccount: '${abbrs.storageStorageAccounts}ord${token}'
  deploymentContainer: 'app-package-${token}'
  workspace: '${abbrs.operationalInsightsWorkspaces}${token}'
  applicationInsights: '${abbrs.insightsComponents}${token}'
  serviceBus: '${abbrs.serviceBusNamespaces}${token}'
  communicationService: '${abbrs.communicationCommunicationServices}${token}'
  workflow: '${abbrs.logicWorkflows}fallback-${token}'
}

resource rg 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: '${abbrs.resourcesResourceGroups}${environmentName}'
  location: location
  tags: tags
}

module identity './modules/identity.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    reserverName: names.reserverIdentity
    petstoreName: names.petstoreIdentity
  }
}

module storage './modules/storage.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    hostAccountName: names.hostAccount
    ordersAccountName: names.ordersAccount
    deploymentContainerName: names.deploymentContainer
    ordersContainerName: ordersContainerName
    reserverIdentityName: names.reserverIdentity
    operator: operator
  }
  dependsOn: [identity]
}

module monitoring './modules/monitoring.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    workspaceName: names.workspace
    applicationInsightsName: names.applicationInsights
    publisherIdentityName: names.reserverIdentity
  }
  dependsOn: [identity]
}

module serviceBus './modules/servicebus.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    namespaceName: names.serviceBus
    queueName: queueName
    requiresSession: requiresSession
    petstoreIdentityName: names.petstoreIdentity
    reserverIdentityName: names.reserverIdentity
    operator: operator
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identity]
}

module email './modules/email.bicep' = {
  scope: rg
  params: {
    tags: tags
    emailServiceName: '${abbrs.communicationEmailServices}${token}'
    communicationServiceName: names.communicationService
    dataLocation: emailDataLocation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module fallback './modules/fallback.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    workflowName: names.workflow
    callerIdentityName: names.reserverIdentity
    communicationServiceName: names.communicationService
    emailEndpoint: email.outputs.endpoint
    senderAddress: email.outputs.senderAddress
    recipientAddress: notificationEmail
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identity]
}

// Last in the graph: its identity's roles on the deployment container need a minute to be known everywhere.
module reserver './modules/function.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    name: '${abbrs.webSitesFunctions}reserver-${token}'
    planName: '${abbrs.webServerFarms}fn-${token}'
    identityName: names.reserverIdentity
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    hostBlobEndpoint: storage.outputs.hostBlobEndpoint
    deploymentContainerName: names.deploymentContainer
    ordersBlobEndpoint: storage.outputs.ordersBlobEndpoint
    ordersContainerName: ordersContainerName
    serviceBusFqdn: serviceBus.outputs.fqdn
    queueName: queueName
    fallbackUrl: fallback.outputs.triggerUrl
    fallbackTokenScope: fallback.outputs.tokenScope
  }
}

module petstore './modules/web.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    name: '${abbrs.webSitesAppService}petstore-${token}'
    planName: '${abbrs.webServerFarms}web-${token}'
    planSku: webPlanSku
    identityName: names.petstoreIdentity
    serviceBusFqdn: serviceBus.outputs.fqdn
    queueName: queueName
    cookieKey: cookieKey
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identity]
}

module alerts './modules/alerts.bicep' = {
  scope: rg
  params: {
    location: location
    tags: tags
    actionGroupName: '${abbrs.insightsActionGroups}${token}'
    notificationEmail: notificationEmail
    serviceBusName: names.serviceBus
    queueName: queueName
    workflowName: names.workflow
    ordersAccountName: names.ordersAccount
    applicationInsightsName: names.applicationInsights
    workspaceName: names.workspace
  }
  dependsOn: [serviceBus, fallback, storage, monitoring]
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = rg.name
output SERVICE_RESERVER_NAME string = reserver.outputs.name
output SERVICE_PETSTORE_NAME string = petstore.outputs.name
output PETSTORE_URL string = petstore.outputs.url
output ORDERS_STORAGE_ACCOUNT string = names.ordersAccount

// Named as the settings are: `azd env get-values` serves a local run against Azure.
output ServiceBusConnection__fullyQualifiedNamespace string = serviceBus.outputs.fqdn
output ORDERS_QUEUE_NAME string = queueName
output OrdersStorage__blobServiceUri string = storage.outputs.ordersBlobEndpoint
output ORDERS_CONTAINER string = ordersContainerName
