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


# fmt: off
BICEP = [
    module("servicebus", "requiresSession: requiresSession\n", "requiresSession: requiresSession,,\n", "syntax error"),
    module("servicebus", "requiresDuplicateDetection: true", "requireDuplicateDetection: true", "no property requireDuplicateDetection"),
    module("servicebus", "maxDeliveryCount: 10", "maxDeliveryCount: '10'", "int expected"),
    module("servicebus", "disableLocalAuth: true", "disableLocalAuth: 'true'", "bool expected"),
    module("servicebus", "name: 'Standard', tier", "name: 'Normal', tier", "none of Basic"),
    module("servicebus", "@2024-01-01", "@2021-11-01", "the types are those of 2024-01-01"),
    module("servicebus", "param requiresSession bool", "param requiresSession string", "bool expected"),
    module("servicebus", "namespaces@2024", "namespace@2024", "no resource type"),
    module("function", "type: 'blobContainer'", "type: 'blob'", "none of blobContainer"),
    module("function", "{ name: 'custom', version: '1.0' }", "{ name: 'rust', version: '1.0' }", "none of"),
    module("function", "maximumInstanceCount", "maxInstanceCount", "no property maxInstanceCount"),
    module("function", "name: 'appsettings'", "name: 'appSetting'", "the name is none of"),
    module("function", "type: 'UserAssignedIdentity'", "type: 'SystemIdentity'", "none of"),
    module("function", "serverFarmId: plan.id", "serverFarmId: plan.idd", "has no idd"),
    module("function", "serverFarmId: plan.id", "serverFarmId: plann.id", "nothing here is called plann"),
    module("function", "appInsights.properties.ConnectionString", "appInsights.properties.ConnString", "has no properties.ConnString"),
    module("email", "domainManagement: 'AzureManaged'", "domainManagement: 'Managed'", "none of AzureManaged"),
    module("email", "dataLocation: dataLocation\n    linkedDomains", "linkedDomains", "dataLocation is required"),
    module("email", "linkedDomains: [emailService::domain.id]", "linkedDomains: emailService::domain.id", "type string is given"),
    module("email", "emailService::domain.id", "emailService::domains.id", "no resource emailService::domains"),
    module("email", "properties: { dataLocation: dataLocation }", "properties: { dataLocation: dataLocation, provisioningState: 'x' }", "read-only"),
    module("storage", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS12'", "none of TLS1_0"),
    module("storage", "sku: { name: 'Standard_LRS' }", "sku: { tier: 'Standard' }", "sku.name is required"),
    module("storage", "principalType: 'ServicePrincipal'", "principleType: 'ServicePrincipal'", "no property principleType"),
    module("storage", "isVersioningEnabled: true", "isVersioningEnabled: 1", "bool expected"),
    module("storage", "days: retentionDays }", "days: hostAccountName }", "type string is given"),
    module("storage", "guid(host.id, reserver", "guid(host.properties.primaryEndpoints.blob, reserver", "not known when deployment starts"),
    module("web", "param queueName string", "param queueNam string", "nothing here is called queueName"),
    module("web", "alwaysOn: !free", "alwaysOn: planSku", "type string is given"),
    module("monitoring", "sku: { name: 'PerGB2018' }", "sku: { name: 'PerGb' }", "none of"),
    module("monitoring", "output workspaceId string = workspace.id", "output workspaceId array = workspace.id", "array expected"),
    module("alerts", "groupShortName: 'petstore'", "groupShortName: 'petstore-alerts'", "maxLength 12"),
    module("alerts", "operator: 'GreaterThan'", "operator: 'MoreThan'", "does not allow 'MoreThan'"),
    module("alerts", "severity: 1\n    enabled", "severity: 7\n    enabled", "maxValue 4"),
    module("alerts", "targetId: ordersAccountId", "targetId: [ordersAccountId]", "takes string"),
    module("fallback", "fallback.definition.json", "fallback.json", "loadJsonContent"),
    Fault(MAIN, "serviceBus.outputs.fqdn", "serviceBus.outputs.hostName", "no output hostName"),
    Fault(MAIN, "queueName: queueName\n    fallbackUrl", "queuename: queueName\n    fallbackUrl", "no parameter queuename"),
    Fault(MAIN, "param notificationEmail string", "param notificationMail string", "notificationMail of main.bicep has no value"),
    Fault(MAIN, "'./modules/web.bicep'", "'./modules/petstore.bicep'", "does not exist"),
    Fault(MAIN, "param webPlanSku string = 'B1'", "param webPlanSku string = 'B9'", "the default is not allowed"),
    Fault(MAIN, "name: '${abbrs.resourcesResourceGroups}${environmentName}'", "name: identity.outputs.reserverId", "not known when deployment"),
    Fault(MAIN, "output AZURE_LOCATION string = location", "output AZURE_LOCATION string = locaton", "nothing here is called locaton"),
    module("metric-alert", "param meaning string", "param description string = 'x'\nparam meaning string", "description hides"),
    module("web", "param planSku string", "param planSku string\nparam planSku string", "planSku is declared twice"),
    Fault("infra/main.parameters.json", '"location": {', '"region": {', "main.bicep has no parameter region"),
]

ROLES_AND_SECRETS = [
    module("storage", "'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'", "'b7e6dc6d-f1e8-4753-8033-0f276bb0955c'", "not on the list"),
    module("storage", "roleDefinitions', blobDataContributor", "roleDefinitions', blobDataOwner", "ordersRole gives"),
    module("storage", "scope: orders::blob::container", "scope: orders", "ordersRole gives"),
    module("storage", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "allowSharedKeyAccess must be False"),
    module("servicebus", "  scope: namespace::queue\n", "  scope: namespace\n", "senderRole gives"),
    module("servicebus", "roleDefinitions', dataReceiver", "roleDefinitions', dataOwner", "receiverRole gives"),
    module("servicebus", "principalId: senderPrincipalId", "principalId: receiverPrincipalId", "senderRole gives"),
    module("servicebus", "    disableLocalAuth: true\n", "", "disableLocalAuth must be True"),
    module("fallback", "'${workflow.properties.accessEndpoint}", "'${workflow.listCallbackUrl().value}", "a secret would get"),
    module("fallback", "state: 'Disabled' }", "state: 'Enabled' }", "must refuse signatures"),
    module("fallback", "                { name: 'oid', value: callerPrincipalId }\n", "", "without the claim oid"),
    module("function", "AzureWebJobsStorage__credential: 'managedidentity'", "AzureWebJobsStorage__credential: 'AccountKey=x'", "a secret would get"),
    module("function", "minTlsVersion: '1.2' }", "minTlsVersion: '1.2', ftpsState: 'Disabled' }", "refuses siteConfig.ftpsState"),
    module("function", "properties: { allow: false }", "properties: { allow: true }", "must be closed"),
]

SETTINGS = [
    module("function", "OrdersStorage__blobServiceUri:", "OrdersStorage__serviceUri:", "OrdersStorage__blobServiceUri is missing"),
    module("function", "      FALLBACK_TOKEN_SCOPE: fallbackTokenScope\n", "      TOKEN_SCOPE: fallbackTokenScope\n", "TOKEN_SCOPE"),
    module("function", "      RUST_LOG: 'info'\n", "      RUST_LOG: 'info'\n      FUNCTIONS_WORKER_RUNTIME: 'custom'\n", "must not be set here"),
    module("web", "ServiceBusConnection__fully", "ServiceBus__fully", "ServiceBusConnection__fullyQualifiedNamespace is missing"),
    Fault("src/config.rs", '"UPLOAD_BACKOFF_BASE_MS"', '"UPLOAD_BACKOFF_MS"', "setting UPLOAD_BACKOFF_MS"),
    Fault("src/config/storage.rs", '"ORDERS_CONTAINER"', '"ORDER_CONTAINER"', "ORDER_CONTAINER"),
    Fault("src/config/fallback.rs", '"FALLBACK_URL"', '"FALLBACK_URI"', "FALLBACK_URI"),
    Fault("README.md", "| `FALLBACK_TIMEOUT_MS` | `100000` |", "| `FALLBACK_TIMEOUT_MS` | `10000` |", "FALLBACK_TIMEOUT_MS"),
    Fault("local.settings.json", '"ORDERS_QUEUE_NAME"', '"ORDER_QUEUE_NAME"', "ORDERS_QUEUE_NAME is missing"),
]

AGREEMENT = [
    Fault(MAIN, "param queueName string = 'order-items'", "param queueName string = 'orders'", "queue: bicep says 'orders'"),
    Fault(MAIN, "string = 'orders'", "string = 'order'", "container: bicep says 'order'"),
    Fault(MAIN, "param requiresSession bool = false", "param requiresSession bool = true", "sessions: function says False"),
    Fault("OrderItemsReserver/function.json", '"isSessionsEnabled": false', '"isSessionsEnabled": true', "sessions: function says True"),
    module("servicebus", "requiresSession: requiresSession", "requiresSession: false", "from its parameter"),
    module("servicebus", "lockDuration: 'PT5M'", "lockDuration: 'PT10M'", "Service Bus allows 300"),
    module("servicebus", "enablePartitioning: false", "enablePartitioning: true", "enablePartitioning is True"),
    Fault("host.json", '"functionTimeout": "00:05:00",', "", "FUNCTION_TIMEOUT: host says 1800"),
    Fault("host.json", '"00:10:00"', '"00:04:00"', "locks are renewed for 240 s"),
    module("fallback", "/triggers/manual/", "/triggers/request/", "URL must end in"),
    module("fallback", "acsEndpoint: { value", "endpoint: { value", "workflow parameters"),
    module("alerts", "upload could not be confirmed", "upload failed", "no such words in src/fallback.rs"),
    module("alerts", 'has "not published"', 'has "unpublished"', "no such words in petstore/src/outbox/delivery.rs"),
    Fault("host.json", '"sessionIdleTimeout": "00:00:01"', '"sessionIdleTimeout": "00:01:00"', "a finished session holds its place"),
    Fault("src/fallback/request.rs", "session_id: Option<&'a str>", "session: Option<&'a str>", "the function sends no sessionId"),
    Fault("azure.yaml", "    language: custom", "    langage: custom", "langage"),
    Fault("azure.yaml", "host: function", "host: functionapp", "'functionapp' is not one of"),
    Fault("azure.yaml", "dist: dist/petstore", "dist: dist/web", "expected host appservice and dist dist/petstore"),
    Fault("azure.yaml", "run: just package", "run: just pack", "no recipe"),
    Fault("azure.yaml", "  reserver:\n", "  function:\n", "service function is unexpected"),
    Fault("infra/README.md", "| `FALLBACK_URL`, `FALLBACK", "| `FALLBACK", "setting of the function FALLBACK_URL is not in the table"),
    Fault("infra/README.md", "090c5cfd-751d", "090c5cfd-751e", "role Azure Service Bus Data Owner"),
    Fault("infra/README.md", "| `fallback-used` |", "| `fallback` |", "alert fallback"),
    module("web", "'azd-service-name': 'petstore'", "'azd-service-name': 'web'", "azd would not find it"),
]

# fmt: on
STATIC = [*BICEP, *ROLES_AND_SECRETS, *SETTINGS, *AGREEMENT]


def flow(old: str, new: str, complaint: str) -> Fault:
    return Fault(FLOW, old, new, complaint)


WORKFLOW_STATIC = [
    flow('"type": "fixed", "count": 1', '"type": "fix", "count": 1', "'fixed' was expected"),
    flow('"interval": "PT10S"', '"interval": "10S"', "does not match"),
    flow('"timeout": "PT30S"', '"timeout": "PT60S"', "20 s to spare"),
    flow('"operationOptions": "DisableAsyncPattern",', "", "operationOptions"),
    flow('"method": "POST",\n        "uri"', '"method": "PSOT",\n        "uri"', "is not one of"),
    flow("@{outputs('Words')['title']}</h2>", "@{outputs('Facts')['session']}</h2>", "which is not escaped"),
    flow("@equals(outputs('Send_email')?['statusCode'], 202)", "@equals(200, 200)", "only 202"),
    flow('"statusCode": 202,', '"statusCode": 200,', "not valid under any"),
    flow('"runStatus": "Failed"', '"runStatus": "Succeeded"', "must end as failed"),
    flow("coalesce(triggerBody()?['order']?['email']", "first(triggerBody()?['order']?['email']", "first() is not a function"),
    flow("A late write may still have landed.", "A <b>late</b> write may still have landed.", "plain words"),
]

WORKFLOW_ENGINE = [
    flow('"runAfter": { "Render": ["Succeeded"] }', '"runAfter": { "Rendr": ["Succeeded"] }', "InvalidTemplate|runAfter|Rendr"),
    flow("@{outputs('Words')['subject']}", "@{outputs('Word')['subject']}", "Word"),
    flow("\"@{outputs('Facts')['body']}\"", "\"@{body('Send_email')}\"", "Send_email"),
    flow("@{outputs('Facts')['bodyForm']}\"", "@{concat('a'\"", "is not valid"),
    flow('"type": "Array"', '"type": "List"', "List"),
    flow('"Words_by_kind": ["Succeeded"]', '"Words": ["Succeeded"]', "cannot be itself|is not valid"),
    flow("'%0D'", "'%0'", "a line break in the subject"),
    flow("coalesce(item()?['name'], '')", "item()['name']", "lacks|unknown form"),
    flow("outputs('Send_email')?['statusCode'], 429", "outputs('Send_email')?['statusCode'], 428", "502 and run Failed; expected 503"),
    flow(', "Retry-After": "60"', "", "503 without Retry-After"),
    flow('["Succeeded", "Failed", "TimedOut"] },\n      "expression"', '["Succeeded", "Failed"] },\n      "expression"', "expected 502"),
    flow('"runAfter": { "Products_text": ["Succeeded", "Failed", "TimedOut"] }', '"runAfter": { "Products_text": ["Succeeded"] }', "None and run"),
    flow('"runAfter": { "Render": ["Failed", "TimedOut"] }', '"runAfter": { "Render": ["TimedOut"] }', "None and run"),
    flow("replace(replace(outputs('Facts')['session'], decodeUriComponent('%0D'), ' '), decodeUriComponent('%0A'), ' ')",
         "outputs('Facts')['session']", "a line break in the subject"),
    flow("coalesce(body('Products_table'), ", "concat(body('Products_table'), ", "unknown form"),
    flow("equals(coalesce(triggerBody()?['order']?['products'], json('[]')), json('[]'))", "equals(1, 2)", "The cart is empty"),
    flow('"required": ["order"]', '"required": []', "schema|taken"),
    flow('"additionalProperties": false,', "", "taken: unknown field at the root"),
    flow('"sequenceNumber": { "type": ["integer", "null"] }', '"sequenceNumber": { "type": "integer" }', "schema"),
    flow('"maxLength": 349528', '"maxLength": 8738', "schema"),
    flow("@{triggerBody()['failure']['reason']}\" },", "-\" },", "the mail lacks"),
    flow("\\nReason: @{triggerBody()['failure']['reason']}", "", "the mail lacks"),
    flow('"format": "CSV"', '"format": "HTML"', "the plain text lacks"),
]  # fmt: skip
