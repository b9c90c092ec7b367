"""Faults to seed: a file, what is replaced by what, and a word of the complaint that must follow."""

from __future__ import annotations

from dataclasses import dataclass

MODULES = "infra/modules/"
MAIN = "infra/main.bicep"
FLOW = "infra/logicapp/fallback.definition.json"


@dataclass(frozen=True)
class Fault:
    """One seeded fault; only the first occurrence is replaced."""

    file: str
    old: str
    new: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.file.rpartition('/')[2]}: {self.new.strip()[:50] or 'without ' + self.old.strip()[:42]}"


def module(name: str, old: str, new: str, complaint: str) -> Fault:
    return Fault(f"{MODULES}{name}.bicep", old, new, complaint)


# What README lets an operator change, one word each: nothing may complain.
ALLOWED = [
    Fault("OrderItemsReserver/function.json", '"cardinality": "one"', '"cardinality": "many"', ""),
    Fault("host.json", '"maxMessageBatchSize": 64', '"maxMessageBatchSize": 16', ""),
    Fault("host.json", '"maxMessageBatchSize": 64', '"maxMessageBatchSize": 1', ""),
]

# fmt: off
COMPILER = [
    module("servicebus", "requiresSession: requiresSession\n", "requiresSession: requiresSession,,\n", "BCP022"),
    module("servicebus", "requiresDuplicateDetection: true", "requireDuplicateDetection: true", "BCP089"),
    module("servicebus", "maxDeliveryCount: 10", "maxDeliveryCount: '10'", "int | null"),
    module("servicebus", "disableLocalAuth: true", "disableLocalAuth: 'true'", "bool | null"),
    module("servicebus", "name: sku, tier: sku,", "name: 'Normal', tier: sku,", "BCP036"),
    module("servicebus", "namespaces@2026", "namespace@2026", "BCP081"),
    module("servicebus", "param requiresSession bool", "param requiresSession string", "bool | null"),
    module("function", "maximumInstanceCount: max", "maxInstanceCount: max", "BCP037"),
    module("function", "name: 'appsettings'", "name: 'appSetting'", "BCP088"),
    module("function", "serverFarmId: plan.id", "serverFarmId: plan.idd", "BCP053"),
    module("function", "serverFarmId: plan.id", "serverFarmId: plann.id", "BCP057"),
    module("email", "dataLocation: dataLocation\n    linkedDomains", "linkedDomains", "BCP035"),
    module("email", "linkedDomains: [emailService::domain.id]", "linkedDomains: emailService::domain.id", "string[]"),
    module("email", "emailService::domain.id", "emailService::domains.id", "BCP159"),
    module("email", "properties: { dataLocation: dataLocation }", "properties: { dataLocation: dataLocation, provisioningState: 'x' }", "BCP073"),
    module("storage", "sku: { name: 'Standard_LRS' }", "sku: { tier: 'Standard' }", "BCP035"),
    module("storage", "principalType: 'ServicePrincipal'", "principleType: 'ServicePrincipal'", "BCP089"),
    module("storage", "isVersioningEnabled: true", "isVersioningEnabled: 1", "bool | null"),
    module("storage", "days: retentionDays }", "days: hostAccountName }", "int | null"),
    module("storage", "guid(host.id, reserver", "guid(host.properties.primaryEndpoints.blob, reserver", "BCP120"),
    module("web", "param queueName string", "param queueNam string", "BCP057"),
    module("web", "alwaysOn: !free", "alwaysOn: planSku", "bool | null"),
    module("web", "param planSku string", "param planSku string\nparam planSku string", "planSku"),
    module("monitoring", "output workspaceId string = workspace.id", "output workspaceId int = workspace.id", "BCP033"),
    module("monitoring", "param tags Tags", "param tags object", "use-user-defined-types"),
    module("alerts", "groupShortName: 'petstore'", "groupShortName: 'petstore-alerts'", "BCP332"),
    module("alerts", "operator: 'GreaterThan'", "operator: 'MoreThan'", "BCP036"),
    module("alerts", "targetId: orders.id", "targetId: [orders.id]", "BCP036"),
    module("fallback", "fallback.definition.json", "fallback.json", "BCP091"),
    module("fallback", "'${workflow.properties.accessEndpoint}", "'${workflow.listCallbackUrl().value}", "outputs-should-not-contain-secrets"),
    module("metric-alert", "param meaning string", "param description string = 'x'\nparam meaning string", "BCP"),
    Fault(MAIN, "serviceBus.outputs.fqdn", "serviceBus.outputs.hostName", "BCP053"),
    Fault(MAIN, "queueName: queueName\n    fallbackUrl", "queuename: queueName\n    fallbackUrl", "BCP089"),
    Fault(MAIN, "param notificationEmail string", "param notificationMail string", "BCP057"),
    Fault(MAIN, "'./modules/web.bicep'", "'./modules/petstore.bicep'", "BCP091"),
    Fault(MAIN, "param webPlanSku string = 'B1'", "param webPlanSku string = 'B9'", "BCP033"),
    Fault(MAIN, "name: '${abbrs.resourcesResourceGroups}${environmentName}'", "name: monitoring.outputs.workspaceId", "BCP120"),
    Fault(MAIN, "output AZURE_LOCATION string = location", "output AZURE_LOCATION string = locaton", "BCP057"),
    Fault(MAIN, "serviceBusName: names.serviceBus", "serviceBusName: last(split(serviceBus.outputs.fqdn, '/'))", "what-if-short-circuiting"),
    Fault(MAIN, "module identity './modules/identity.bicep' = {\n", "module identity './modules/identity.bicep' = {\n  name: 'identity'\n", "no-module-name"),
]

ROLES_AND_SECRETS = [
    module("storage", "'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'", "'b7e6dc6d-f1e8-4753-8033-0f276bb0955c'", "not on the list"),
    module("storage", "roleDefinitions', blobDataContributor", "roleDefinitions', blobDataOwner", "id-reserver-* gets Storage Blob Data Owner on orders"),
    module("storage", "scope: orders::blob::container", "scope: orders", "id-reserver-* gets Storage Blob Data Contributor on stord*"),
    module("carts", "scope: account::blob::container", "scope: account", "id-petstore-* gets Storage Blob Data Contributor on stcrt*"),
    module("carts", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "stcrt*: allowSharedKeyAccess must be False"),
    module("carts", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_1'", "must be one of TLS1_2"),
    module("storage", "principalType: 'ServicePrincipal'", "principalType: 'User'", "principalType must be ServicePrincipal"),
    module("storage", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "allowSharedKeyAccess must be False"),
    module("servicebus", "  scope: namespace::queue\n", "  scope: namespace\n", "id-petstore-* gets Azure Service Bus Data Sender on sb-*"),
    module("servicebus", "reserver.id, dataOwner)\n  scope: namespace::queue\n", "reserver.id, dataOwner)\n  scope: namespace\n", "id-reserver-* gets Azure Service Bus Data Owner on sb-*"),
    module("servicebus", "principalId: petstore.properties.principalId", "principalId: reserver.properties.principalId", "id-reserver-* gets Azure Service Bus Data Sender"),
    module("servicebus", "    disableLocalAuth: true\n", "", "disableLocalAuth must be True"),
    module("function", "RUST_LOG: 'info'", "RUST_LOG: listKeys(plan.id, '2025-03-01').key", "a secret would get"),
    module("fallback", "state: 'Disabled' }", "state: 'Enabled' }", "must refuse signatures"),
    module("fallback", "{ name: 'oid', value: principalId }", "{ name: 'aud', value: principalId }", "must name issuer, audience and object id"),
    module("fallback", "audience, caller.properties.principalId", "audience, tenant().tenantId", "the trigger lets in"),
    module("fallback", "issuer, audienceNoSlash, operator", "audience, issuer, operator", "the Entra policy operatorNoSlash takes tokens of"),
    Fault(MAIN, "callerIdentityName: names.fallbackIdentity", "callerIdentityName: names.reserverIdentity", "the trigger lets in"),
    Fault(MAIN, "publisherIdentityName: names.reserverIdentity", "publisherIdentityName: names.fallbackIdentity", "id-fallback-* must have no role at all"),
    module("function", "fallbackIdentity.properties.clientId", "identity.properties.clientId", "which has no role"),
    module("function", "AzureWebJobsStorage__credential: 'managedidentity'", "AzureWebJobsStorage__credential: 'AccountKey=x'", "a secret would get"),
    module("function", "minTlsVersion: '1.2' }", "minTlsVersion: '1.2', ftpsState: 'Disabled' }", "refuses siteConfig.ftpsState"),
    module("function", "properties: { allow: false }", "properties: { allow: true }", "must be closed"),
]

# The compiler takes any text there.
OPEN_ENUMERATIONS = [
    module("function", "type: 'blobContainer'", "type: 'blob'", "is 'blob', must be one of blobContainer"),
    module("function", "{ name: 'custom', version: '1.0' }", "{ name: 'rust', version: '1.0' }", "is 'rust', must be one of custom"),
    module("function", "type: 'UserAssignedIdentity'", "type: 'SystemIdentity'", "must be one of UserAssignedIdentity"),
    module("email", "domainManagement: 'AzureManaged'", "domainManagement: 'Managed'", "must be one of AzureManaged"),
    module("storage", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS12'", "must be one of TLS1_2"),
    module("monitoring", "sku: { name: 'PerGB2018' }", "sku: { name: 'PerGb' }", "must be one of PerGB2018"),
    module("alerts", "severity: 1\n    enabled", "severity: 7\n    enabled", "is 7, must be one of 0, 1, 2, 3, 4"),
    module("web", "name: planSku", "name: 'B9'", "is 'B9', must be one of"),
    module("servicebus", "minimumTlsVersion: '1.2'", "minimumTlsVersion: 'TLS1_2'", "must be one of 1.2"),
]

SETTINGS = [
    module("function", "OrdersStorage__blobServiceUri:", "OrdersStorage__serviceUri:", "OrdersStorage__blobServiceUri is missing"),
    module("function", "      FALLBACK_TOKEN_SCOPE: fallbackTokenScope\n", "      TOKEN_SCOPE: fallbackTokenScope\n", "TOKEN_SCOPE"),
    module("function", "      RUST_LOG: 'info'\n", "      RUST_LOG: 'info'\n      FUNCTIONS_WORKER_RUNTIME: 'custom'\n", "must not be set here"),
    module("web", "PetStoreStorage__blobServiceUri:", "PetStoreStorage__serviceUri:", "PetStoreStorage__blobServiceUri is missing"),
    module("web", "ServiceBusConnection__fully", "ServiceBus__fully", "ServiceBusConnection__fullyQualifiedNamespace is missing"),
    Fault("src/config.rs", '"UPLOAD_BACKOFF_BASE_MS"', '"UPLOAD_BACKOFF_MS"', "setting UPLOAD_BACKOFF_MS"),
    Fault("src/config.rs", '"ORDERS_CONTAINER"', '"ORDER_CONTAINER"', "ORDER_CONTAINER"),
    Fault("src/config.rs", '"FALLBACK_URL"', '"FALLBACK_URI"', "FALLBACK_URI"),
    Fault("README.md", "| `FALLBACK_TIMEOUT_MS` | `100000` |", "| `FALLBACK_TIMEOUT_MS` | `10000` |", "FALLBACK_TIMEOUT_MS"),
    Fault("local.settings.json", '"ORDERS_QUEUE_NAME"', '"ORDER_QUEUE_NAME"', "ORDERS_QUEUE_NAME is missing"),
]

AGREEMENT = [
    Fault(MAIN, "param queueName string = 'order-items'", "param queueName string = 'orders'", "queue: bicep says 'orders'"),
    Fault(MAIN, "string = 'orders'", "string = 'order'", "container: bicep says 'order'"),
    Fault(MAIN, "param requiresSession bool = false", "param requiresSession bool = true", "sessions: function says False"),
    Fault("OrderItemsReserver/function.json", '"isSessionsEnabled": false', '"isSessionsEnabled": true', "sessions: function says True"),
    module("servicebus", "requiresSession: requiresSession\n", "requiresSession: !requiresSession\n", "from its parameter"),
    module("servicebus", "lockDuration: 'PT5M'", "lockDuration: 'PT10M'", "Service Bus allows 300"),
    module("servicebus", "lockDuration: 'PT5M'", "lockDuration: 'PT1M'", "no lock is renewed for a batch"),
    Fault("host.json", '"maxMessageBatchSize": 64', '"maxMessageBatchSize": 65', "BATCH_MAX: host says 65"),
    module("servicebus", "enablePartitioning: false", "enablePartitioning: true", "enablePartitioning is True"),
    Fault("host.json", '"functionTimeout": "00:05:00",', "", "FUNCTION_TIMEOUT: host says 1800"),
    Fault("host.json", '"00:10:00"', '"00:04:00"', "locks are renewed for 240 s"),
    module("fallback", "/triggers/manual/", "/triggers/request/", "URL must end in"),
    module("fallback", "acsEndpoint: { value", "endpoint: { value", "workflow parameters"),
    module("alerts", "upload could not be confirmed", "upload failed", "no such words in src/fallback.rs"),
    module("alerts", 'has "not published yet"', 'has "unpublished"', "no such words in petstore/src/outbox/waiting.rs"),
    module("alerts", 'has "the marks cannot be listed"', 'has "no marks"', "['no marks']"),
    module("servicebus", "TimeWindow: 'PT10M'", "TimeWindow: 'PT5M'", "duplicates are detected for 300 s"),
    module("servicebus", "requiresDuplicateDetection: true", "requiresDuplicateDetection: false", "requiresDuplicateDetection is False"),
    Fault("petstore/src/record.rs", "CLAIM_MAX_MS: i64 = 400_000", "CLAIM_MAX_MS: i64 = 900_000", "relies on 902 s"),
    Fault("host.json", '"sessionIdleTimeout": "00:00:01"', '"sessionIdleTimeout": "00:01:00"', "a finished session holds its place"),
    Fault("src/fallback/logic_app/request.rs", "session_id: Option<&'a str>", "session: Option<&'a str>", "the function sends no sessionId"),
    Fault("azure.yaml", "    language: custom", "    langage: custom", "langage"),
    Fault("azure.yaml", "host: function", "host: functionapp", "'functionapp' is not one of"),
    Fault("azure.yaml", "dist: dist/petstore", "dist: dist/web", "expected host appservice and dist dist/petstore"),
    Fault("azure.yaml", "prepackage.sh", "package.sh", "prepackage for posix runs infra/hooks/package.sh, which is no such script"),
    Fault("azure.yaml", "    windows: { shell: pwsh, run: infra/hooks/prepackage.ps1 }\n", "", "'windows' is a required property"),
    Fault("azure.yaml", "run: infra/hooks/predeploy.ps1", "run: infra/hooks/predeploy.sh", "predeploy for windows runs"),
    Fault("azure.yaml", "    condition: ${DEPLOY_PETSTORE=true}\n", "", "leave out the storefront"),
    Fault("azure.yaml", "    - WEB_PLAN_SKU\n", "", "pipeline: WEB_PLAN_SKU is in one of"),
    Fault("infra/hooks/prepackage.ps1", "foreach ($package in", "foreach $package in", "is no PowerShell"),
    Fault("infra/hooks/prepackage.ps1", "Copy-Item 'host.json' 'dist/function/'", "", "does not lay out host.json"),
    Fault("infra/hooks/postdeploy.ps1", " --custom", "", "Core Tools must publish"),
    Fault(".github/workflows/azure-dev.yml", "id-token: write", "id-token: read", "OIDC takes the permission"),
    Fault(".github/workflows/azure-dev.yml", "      WEB_PLAN_SKU: ${{ vars.WEB_PLAN_SKU }}\n", "", "does not hand over WEB_PLAN_SKU"),
    Fault(".github/workflows/azure-dev.yml", "${{ vars.WEB_PLAN_SKU }}", "${{ secrets.WEB_PLAN_SKU }}", "no secret to hand over"),
    Fault(".github/workflows/azure-dev.yml", "      - run: azd package --all --no-prompt # azd deploy alone does not build\n", "", "in this order"),
    Fault(".github/workflows/azure-dev.yml", 'FIRST_UPLOAD: "1"', 'LAST_UPLOAD: "1"', "uploads a second time"),
    Fault(".github/workflows/azure-dev.yml", "for attempt in 1 2 3; do", "if true; then", "with a retry"),
    Fault(".github/workflows/azure-dev.yml", "      - name: azd deploy\n", "      - uses: Azure/functions-action@v1\n      - name: azd deploy\n", "drops the executable bit"),
    Fault(".github/workflows/ci.yml", "      - run: az bicep lint --file infra/main.bicep\n", "", "does not run az bicep lint"),
    Fault("infra/main.parameters.json", "${WEB_PLAN_SKU=B1}", "${WEB_PLAN_SKU=F1}", "webPlanSku: 'F1' here, 'B1' in main.bicep"),
    Fault("infra/main.parameters.json", '"${VNET_ENABLED=false}"', "false", "cannot be set with azd env set: vnetEnabled"),
    Fault("infra/README.md", "| `webPlanSku` | `WEB_PLAN_SKU` | `B1` |", "| `webPlanSku` | `WEB_PLAN_SKU` | `F1` |", "the table says F1"),
    Fault("infra/README.md", "`VNET_ENABLED` | `false`", "`VNET` | `false`", "vnetEnabled (VNET)"),
    Fault("azure.yaml", "  reserver:\n", "  function:\n", "service function is unexpected"),
    Fault("infra/README.md", "| `FALLBACK_URL`, `FALLBACK", "| `FALLBACK", "setting of the function FALLBACK_URL is not in the table"),
    Fault("infra/main.parameters.json", '"location": {', '"region": {', "region is no parameter of main.bicep"),
    Fault("infra/main.parameters.json", '"notificationEmail": { "value": "${NOTIFICATION_EMAIL}" },', "", "cannot be set with azd env set: notificationEmail"),
    Fault("infra/README.md", "090c5cfd-751d", "090c5cfd-751e", "role Azure Service Bus Data Owner"),
    Fault("infra/README.md", "| `fallback-used` |", "| `fallback` |", "alert fallback"),
    module("web", "'azd-service-name': 'petstore'", "'azd-service-name': 'web'", "azd would not find it"),
]

OPERATION = [
    module("web", "&& exec /tmp", "&& /tmp", "in place of the shell"),
    module("web", "cp /home/site/wwwroot/petstore /tmp/petstore && chmod +x /tmp/petstore && exec /tmp/petstore", "exec /home/site/wwwroot/petstore", "from local disk"),
    module("web", "STOP_TIME_LIMIT: '20'", "STOP_TIME_LIMIT: '10'", "the platform grants 10"),
    Fault("petstore/src/serve.rs", "from_secs(10);", "from_secs(30);", "the storefront takes 35 s to end"),
    module("web", "    clientAffinityEnabled: false // any instance serves any shopper\n", "", "no affinity cookie"),
    Fault(MAIN, "param maximumInstanceCount int = 40", "param maximumInstanceCount int = 100", "does not know of 100 instances"),
    Fault(MAIN, "param alwaysReadyInstances int = 0", "param alwaysReadyInstances int = 1", "none by default"),
    module("function", "function:OrderItemsReserver", "function:Reserver", "alwaysReady names"),
    module("alerts", "    autoMitigate: true\n", "    autoMitigate: false\n", "must mail, once when it begins"),
    module("alerts", "numberOfEvaluationPeriods: 1", "numberOfEvaluationPeriods: 3", "failingPeriods must be stated"),
    module("alerts", "    aggregation: 'Minimum'\n    operator: 'GreaterThan'\n    threshold: 0\n", "    aggregation: 'Minimum'\n    operator: 'GreaterThan'\n    threshold: 10\n", "one order that waits"),
    module("alerts", "  name: 'log-cap-reached'", "  name: 'cap-reached'", "alert log-cap-reached is missing"),
    module("servicebus", "    logs: [{ categoryGroup: 'allLogs', enabled: true }]\n", "    logs: [{ categoryGroup: 'allLogs', enabled: true }]\n    metrics: [{ category: 'AllMetrics', enabled: true }]\n", "exported metrics cost"),
    Fault(MAIN, "param vnetEnabled bool = false", "param vnetEnabled bool = true", "none by default, one when switched on"),
    Fault(MAIN, "param lockOrders bool = false", "param lockOrders bool = true", "none by default, one when switched on"),
    module("storage", "private ? 'Disabled' : 'Enabled'", "'Enabled'\n    largeFileSharesState: private ? 'Disabled' : null", "still public in a network of its own"),
    Fault(MAIN, "[names.hostAccount, names.ordersAccount]", "[names.hostAccount]", "private endpoints lead to"),
    Fault(MAIN, "privateBus && deployPetstore ? [names.cartsAccount] : []", "[]", "private endpoints lead to"),
    Fault(MAIN, "    private: privateBus\n  }\n  dependsOn: [identity]", "    private: vnetEnabled\n  }\n  dependsOn: [identity]", "would not reach its carts"),
    Fault(MAIN, "cartsBlobEndpoint: carts!.outputs.blobEndpoint", "cartsBlobEndpoint: storage.outputs.ordersBlobEndpoint", "not in an account of their own"),
    Fault(MAIN, "module carts './modules/carts.bicep' = if (deployPetstore) {", "module carts './modules/carts.bicep' = if (deployPetstore || !vnetEnabled) {", "an account for the carts of a storefront that is not there"),
    module("carts", "cartDays int = 30", "cartDays int = 3", "records go after 30 days"),
    module("carts", "prefixMatch: map(", "suffixMatch: map(", "nothing but records"),
    module("carts", "'carts/${substring('0123456789abcdef', digit, 1)}'", "'carts/${substring('0123456789abcdep', digit, 1)}'", "nothing but records"),
    Fault("petstore/src/store/azure.rs", 'const PENDING: &str = "pending/";', 'const PENDING: &str = "due/";', "no mark begins like a record"),
    Fault(MAIN, "var privateBus = vnetEnabled && serviceBusSku == 'Premium'", "var privateBus = vnetEnabled && !empty(serviceBusSku)", "a network beside a Standard bus"),
    Fault(MAIN, "subnetId: network.?outputs.functionSubnetId ?? ''", "subnetId: network.?outputs.storefrontSubnetId ?? ''", "does not go out through the subnet function"),
    Fault(MAIN, "alertEmail: empty(alertEmail) ? notificationEmail : alertEmail", "alertEmail: empty(alertEmail) ? alertEmail : notificationEmail", "alerts go to you@example.com"),
    Fault(MAIN, "module petstore './modules/web.bicep' = if (deployPetstore) {", "module petstore './modules/web.bicep' = if (deployPetstore || !vnetEnabled) {", "without a storefront there is no plan"),
    Fault(MAIN, "    storefront: deployPetstore\n", "    storefront: true\n", "a storefront that is not there"),
    Fault(MAIN, "  'northeurope'\n", "", "regions with Flex Consumption only"),
    Fault(MAIN, "@metadata({ azd: { type: 'location' } })\n", "@metadata({ azd: { type: 'resourceGroup' } })\n", "azd must know that it is one"),
]

TELEMETRY = [
    Fault("host.json", '"default": "Warning"', '"default": "Information"', "costs 11 items"),
    Fault("host.json", '"Function": "Warning"', '"Function": "Information"', "costs 6 items"),
    Fault("host.json", '"Host": "Information"', '"Host": "Error"', "reads Host.Function.Console at Warning, and host.json lets pass Error"),
    Fault("host.json", '"Host": "Information"', '"Host": "Warning"', "superseded: Host.Function.Console at Information does not arrive"),
    Fault("host.json", '"Host": "Information"', '"Host": "Information",\n      "Host.Results": "None"', "nobody knows of invocations that fail"),
    Fault("host.json", '"Host": "Information"', '"host.function": "Critical",\n      "Host": "Information"', "lets pass Critical only"),
    Fault("infra/README.md", "logLevel__Function=Information", "logLevel__Host=Information", "stored does not arrive with the one setting"),
    Fault("infra/README.md", "2 items, 1.9 kB", "2 items, 1.8 kB", "the page says otherwise"),
    Fault("infra/README.md", "// retried or superseded", "// superseded", "what superseded reads is not in the table"),
    Fault("infra/README.md", "| `Host` | Information |", "| `Host` | Warning |", "gives reasons for"),
    module("alerts", "query: 'requests | where success == false'", "query: 'customMetrics | where value > 1'", "for what the host writes and for nothing else"),
    module("metric-alert", "  name: name\n", "  name: 'x-${name}'\n", "what x-fallback-used reads is not in the table"),
]

GALLERY = [
    Fault("docs/exercise.md", "](../src/order/session.rs)", "](../src/session.rs)", "links to ../src/session.rs, which is not there"),
    Fault("docs/exercise.md", "### 2 · The trigger", "### The trigger", "how to see it is told for"),
    Fault("docs/exercise.md", "*The screenshots*: the code", "The code", "here, in Azure and the screenshot"),
    Fault("docs/exercise.md", "| 5 | after three retries an e-mail", "after three retries an e-mail", "there are 5 of point"),
    Fault("README.md", "](docs/exercise.md)", "](docs/capacity.md)", "does not lead to the exercise"),
    Fault("README.md", "urlFragment:", "url:", "metadata lacks urlFragment"),
    Fault("docs/architecture.dot", "ten deliveries failed", "five deliveries failed", "run `just architecture`"),
    Fault("docs/architecture.dot", "12 alerts", "8 alerts", "there are 12 alerts"),
    Fault(".devcontainer/devcontainer.json", '"installBicep": true', '"installBicep": false', "lacks"),
    Fault(".devcontainer/post-create.sh", " ziglang cargo-zigbuild", "", "lacks ziglang"),
    Fault(".vscode/tasks.json", '"version": "2.0.0",', '"version": "2.0.0"', "Expecting"),
    Fault(".github/ISSUE_TEMPLATE/bug.yml", "body:", "questions:", "a form has name"),
]

# fmt: on
STATIC = [*ROLES_AND_SECRETS, *OPEN_ENUMERATIONS, *SETTINGS, *AGREEMENT, *OPERATION, *TELEMETRY, *GALLERY]


def flow(old: str, new: str, complaint: str) -> Fault:
    return Fault(FLOW, old, new, complaint)


WORKFLOW_STATIC = [
    flow('"type": "fixed", "count": 1', '"type": "fix", "count": 1', "'fixed' was expected"),
    flow('"interval": "PT10S"', '"interval": "10S"', "does not match"),
    flow('"timeout": "PT30S"', '"timeout": "PT60S"', "20 s to spare"),
    flow('"operationOptions": "DisableAsyncPattern",', "", "operationOptions"),
    flow('"method": "POST",\n        "uri"', '"method": "PSOT",\n        "uri"', "is not one of"),
    flow("@{outputs('Words')['title']}</h1>", "@{outputs('Facts')['session']}</h1>", "which is not escaped"),
    flow("@equals(outputs('Send_email')?['statusCode'], 202)", "@equals(200, 200)", "only 202"),
    flow('"statusCode": 202,', '"statusCode": 200,', "not valid under any"),
    flow('"runStatus": "Failed"', '"runStatus": "Succeeded"', "must end as failed"),
    flow("coalesce(triggerBody()['shown']?['customer']", "first(triggerBody()['shown']?['customer']", "first() is not a function"),
    flow("body('Put_table'), '</div>'", "triggerBody()['failure']['putCommand'], '</div>'", "putHtml holds something that is not escaped"),
    flow('"operationOptions": "EnableSchemaValidation",', '"operationOptions": "EnableSchemaValidation",\n      "correlation": { "clientTrackingId": "x" },', "would hide the trace"),
    flow('"runtimeConfiguration": { "secureData": { "properties": ["outputs"] } },', "", "manual: the run history would show the order"),
    flow('"runtimeConfiguration": { "secureData": { "properties": ["inputs"] } },', "", "the run history would show the order; secureData must hold"),
    flow("A late write may still have landed.", "A <b>late</b> write may still have landed.", "plain words"),
]

WORKFLOW_ENGINE = [
    flow('"runAfter": { "Render": ["Succeeded"] }', '"runAfter": { "Rendr": ["Succeeded"] }', "InvalidTemplate|runAfter|Rendr"),
    flow("@{outputs('Words')['subject']}", "@{outputs('Word')['subject']}", "Word"),
    flow("\"@{outputs('Facts')['text']}\"", "\"@{body('Send_email')}\"", "Send_email"),
    flow("@{outputs('Facts')['file']}\"", "@{concat('a'\"", "is not valid"),
    flow('"type": "Array"', '"type": "List"', "List"),
    flow('"Words_by_kind": ["Succeeded"]', '"Words": ["Succeeded"]', "cannot be itself|is not valid"),
    flow("'%0D'", "'%0'", "a line break in the subject"),
    flow("item()['name']", "item()['title']", "expected 202"),
    flow("outputs('Send_email')?['statusCode'], 429", "outputs('Send_email')?['statusCode'], 428", "502 and run Failed; expected 503"),
    flow(', "Retry-After": "60"', "", "503 without Retry-After"),
    flow('["Succeeded", "Failed", "TimedOut"] },\n      "expression"', '["Succeeded", "Failed"] },\n      "expression"', "expected 502"),
    flow('"runAfter": { "Render": ["Failed", "TimedOut"] }', '"runAfter": { "Render": ["TimedOut"] }', "None and run"),
    flow("replace(replace(outputs('Facts')['session'], decodeUriComponent('%0D'), ' '), decodeUriComponent('%0A'), ' ')",
         "outputs('Facts')['session']", "a line break in the subject"),
    flow('"empty": "The cart is empty."', '"empty": ""', "The cart is empty"),
    flow("\"contentInBase64\": \"@{triggerBody()['body']['data']}\"", "\"contentInBase64\": \"@{triggerBody()['shown']['text']}\"", "byte for byte"),
    flow("\"name\": \"@{triggerBody()['body']['fileName']}\"", '"name": "order.json"', "byte for byte"),
    flow("equals(triggerBody()['failure']['kind'], 'contradictory')", "equals(1, 2)", "The two orders"),
    flow('"required": ["schemaVersion", "operationId", "body", "shown", "failure"]', '"required": ["operationId", "failure"]', "taken: no body"),
    flow('"pattern": "^[A-Za-z0-9_-]{1,100}[.](json|txt)$"', '"minLength": 1', "taken: a path"),
    flow('"additionalProperties": false,', "", "taken: unknown field at the root"),
    flow('"sequenceNumber": { "type": ["integer", "null"] }', '"sequenceNumber": { "type": "integer" }', "schema"),
    flow('"maxLength": 5592408', '"maxLength": 8738', "schema"),
    flow("\"value\": \"@{triggerBody()['failure']['reason']}\" }", "\"value\": \"-\" }", "the mail lacks"),
    flow("\\nReason: @{triggerBody()['failure']['reason']}", "", "the mail lacks"),
    flow("concat('\\n   ', triggerBody()['failure']['putCommand'])", "''", "the mail lacks"),
    flow('"format": "CSV"', '"format": "HTML"', "the plain text lacks"),
]  # fmt: skip
