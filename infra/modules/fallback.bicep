// The Logic App that e-mails an order to a person. Only the function's identity for it may start it, and the operator,
// who redrives what only a person can settle.
import { Operator, Tags } from './types.bicep'

param location string
param tags Tags
param workflowName string
@description('The identity of the function that may start the workflow.')
param callerIdentityName string
param operator Operator
param communicationServiceName string
param emailEndpoint string
param senderAddress string
param recipientAddress string
param workspaceId string

// The issuer of a managed identity's tokens; not the sign-in endpoint of environment().
var issuer = 'https://sts.windows.net/${tenant().tenantId}/'
var audience = environment().resourceManager // https://management.azure.com/
var audienceNoSlash = take(audience, length(audience) - 1)

type Claim = { name: 'iss' | 'aud' | 'oid', value: string }
type Policy = { type: 'AAD', claims: Claim[] }

@description('Claims match to the letter.')
func admits(issuer string, audience string, principalId string) Policy => {
  type: 'AAD'
  claims: [
    { name: 'iss', value: issuer }
    { name: 'aud', value: audience }
    { name: 'oid', value: principalId }
  ]
}

resource caller 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: callerIdentityName
}

resource communication 'Microsoft.Communication/communicationServices@2025-05-01' existing = {
  name: communicationServiceName
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: workflowName
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('../logicapp/fallback.definition.json')
    parameters: {
      acsEndpoint: { value: emailEndpoint }
      senderAddress: { value: senderAddress }
      recipients: { value: [{ address: recipientAddress }] }
    }
    // Without the SAS policy a leaked callback URL would start the workflow, too. The policy is newer than the
    // published type of this API version, hence any().
    accessControl: any({
      triggers: {
        sasAuthenticationPolicy: { state: 'Disabled' }
        openAuthenticationPolicies: {
          // The audience comes with or without its slash.
          policies: union(
            {
              reserver: admits(issuer, audience, caller.properties.principalId)
              reserverNoSlash: admits(issuer, audienceNoSlash, caller.properties.principalId)
            },
            empty(operator.principalId)
              ? {}
              : {
                  operator: admits(issuer, audience, operator.principalId)
                  operatorNoSlash: admits(issuer, audienceNoSlash, operator.principalId)
                }
          )
        }
      }
    })
  }
}

var communicationAndEmailServiceOwner = '09976791-48a7-449e-bb21-39d1a415f350' // no role sends only

resource sendRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(communication.id, workflow.id, communicationAndEmailServiceOwner)
  scope: communication
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      communicationAndEmailServiceOwner
    )
    principalId: workflow.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: workflow
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

// Not the callback URL, which carries a signature: the caller shows an Entra token.
output triggerUrl string = '${workflow.properties.accessEndpoint}/triggers/manual/paths/invoke?api-version=2016-10-01'
output tokenScope string = '${audience}.default'
