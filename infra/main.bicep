// The whole system in one resource group. `azd up` deploys it; infra/README.md tells the rest.
targetScope = 'subscription'

@minLength(1)
@maxLength(64)
@description('Name of the azd environment: names the resource group and seeds every resource name.')
param environmentName string

// From `just infra-refresh`: the regions that offer Flex Consumption, and so all that azd asks about.
@allowed([
  'australiaeast'
  'australiasoutheast'
  'brazilsouth'
  'canadacentral'
  'centralindia'
  'centralus'
  'eastasia'
  'eastus'
  'eastus2'
  'francecentral'
  'germanywestcentral'
  'italynorth'
  'japaneast'
  'japanwest'
  'koreacentral'
  'northcentralus'
  'northeurope'
  'norwayeast'
  'southafricanorth'
  'southcentralus'
  'southeastasia'
  'southindia'
  'spaincentral'
  'swedencentral'
  'switzerlandnorth'
  'uaenorth'
  'uksouth'
  'ukwest'
  'westcentralus'
  'westeurope'
  'westus'
  'westus2'
  'westus3'
])
@metadata({ azd: { type: 'location' } })
@description('Region of everything but the e-mail service.')
param location string

@minLength(5)
@description('Mailbox that gets the orders that could not be stored, and the alerts.')
param notificationEmail string

@description('Another mailbox for the alerts; empty: notificationEmail.')
param alertEmail string = ''

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

@description('Whether the storefront is deployed: it takes an App Service plan, of which a new subscription may have none.')
param deployPetstore bool = true

@minValue(1)
@maxValue(1000)
@description('The most instances of the function; one runs 64 orders at a time (host.json).')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances of the function that never sleep, some 20 USD a month each. 0: the first order after a pause may wait for up to two minutes.')
param alwaysReadyInstances int = 0

@allowed(['Standard', 'Premium'])
@description('Tier of the bus. Premium costs some 680 USD a month. Fixed when the namespace is created.')
param serviceBusSku string = 'Standard'

@description('Whether the function reaches storage over a network of its own only; with a Premium bus the storefront, too.')
param vnetEnabled bool = false

@description('Whether the account of the orders has a lock against deletion, which also stops azd down.')
param lockOrders bool = false

@minValue(1)
@description('GB of logs a day, beyond which nothing is kept until the next: ends a flood before it becomes a bill.')
param dailyQuotaGb int = 1

@minValue(0)
@description('What a month may cost before alertEmail is told, in the currency of the subscription. 0: any.')
param monthlyBudget int = 0

@description('With monthlyBudget: the first day of a month from which on it counts, as 2027-01-01. Cannot be changed later.')
param budgetStart string = ''

var abbrs = loadJsonContent('./abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var privateBus = vnetEnabled && serviceBusSku == 'Premium' // Standard has no private endpoints
var operator = { principalId: principalId, principalType: principalType }

// Names are made here and handed to every module that needs them: a name out of another module's outputs would be
// unknown before that has run, and what-if would show neither roles nor alerts.
var names = {
  reserverIdentity: '${abbrs.managedIdentityUserAssignedIdentities}reserver-${token}'
  fallbackIdentity: '${abbrs.managedIdentityUserAssignedIdentities}fallback-${token}'
  petstoreIdentity: '${abbrs.managedIdentityUserAssignedIdentities}petstore-${token}'
  hostAccount: '${abbrs.storageStorageAccounts}fn${token}'
  ordersAccount: '${abbrs.storageStorageAccounts}ord${token}'
  cartsAccount: '${abbrs.storageStorageAccounts}crt${token}'
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
    fallbackName: names.fallbackIdentity
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
    private: vnetEnabled
    lockOrders: lockOrders
  }
  dependsOn: [identity]
}

// Reached as the storefront reaches the bus: over the network where that is private.
module carts './modules/carts.bicep' = if (deployPetstore) {
  scope: rg
  params: {
    location: location
    tags: tags
    accountName: names.cartsAccount
    petstoreIdentityName: names.petstoreIdentity
    private: privateBus
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
    dailyQuotaGb: dailyQuotaGb
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
    sku: serviceBusSku
    private: privateBus
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
    callerIdentityName: names.fallbackIdentity
    operator: operator
    communicationServiceName: names.communicationService
    emailEndpoint: email.outputs.endpoint
    senderAddress: email.outputs.senderAddress
    recipientAddress: notificationEmail
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [identity]
}

module network './modules/network.bicep' = if (vnetEnabled) {
  scope: rg
  params: {
    location: location
    tags: tags
    name: '${abbrs.networkVirtualNetworks}${token}'
    accountNames: union(
      [names.hostAccount, names.ordersAccount],
      privateBus && deployPetstore ? [names.cartsAccount] : []
    )
    serviceBusName: privateBus ? names.serviceBus : ''
  }
  dependsOn: [storage, carts, serviceBus]
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
    fallbackIdentityName: names.fallbackIdentity
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    subnetId: network.?outputs.functionSubnetId ?? ''
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

module petstore './modules/web.bicep' = if (deployPetstore) {
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
    cartsBlobEndpoint: carts!.outputs.blobEndpoint
    subnetId: privateBus ? network!.outputs.storefrontSubnetId : ''
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
    alertEmail: empty(alertEmail) ? notificationEmail : alertEmail
    serviceBusName: names.serviceBus
    queueName: queueName
    workflowName: names.workflow
    ordersAccountName: names.ordersAccount
    applicationInsightsName: names.applicationInsights
    workspaceName: names.workspace
    storefront: deployPetstore
    cartsAccountName: names.cartsAccount
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
  }
  dependsOn: [serviceBus, fallback, storage, carts, monitoring]
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = rg.name
output SERVICE_RESERVER_NAME string = reserver.outputs.name
output SERVICE_PETSTORE_NAME string = petstore.?outputs.name ?? ''
output PETSTORE_URL string = petstore.?outputs.url ?? ''
output ORDERS_STORAGE_ACCOUNT string = names.ordersAccount

// Named as the settings are: `azd env get-values` serves a local run against Azure.
output ServiceBusConnection__fullyQualifiedNamespace string = serviceBus.outputs.fqdn
output ORDERS_QUEUE_NAME string = queueName
output OrdersStorage__blobServiceUri string = storage.outputs.ordersBlobEndpoint
output ORDERS_CONTAINER string = ordersContainerName
output FALLBACK_TOKEN_SCOPE string = fallback.outputs.tokenScope
