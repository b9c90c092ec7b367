// The Logic App that e-mails an order to a person. Only the function's identity may start it.
import { Tags } from './types.bicep'

param location string
param tags Tags
param workflowName string
@description('The one identity that may start the workflow.')
param callerIdentityName string
param communicationServiceName string
param emailEndpoint string
param senderAddress string
param recipientAddress string
param workspaceId string

// The issuer of a managed identity's tokens; not the sign-in endpoint of environment().
var issuer = 'https://sts.windows.net/${tenant().tenantId}/'
var audience = environment().resourceManager // https://management.azure.com/
var audienceNoSlash = take(audience, length(audience) - 1)

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
          policies: {
            // Claims match to the letter, and the audience comes with or without its slash.
            reserver: {
              type: 'AAD'
              claims: [
                { name: 'iss', value: issuer }
                { name: 'aud', value: audience }
                { name: 'oid', value: caller.properties.principalId }
              ]
            }
            reserverNoSlash: {
              type: 'AAD'
              claims: [
                { name: 'iss', value: issuer }
                { name: 'aud', value: audienceNoSlash }
                { name: 'oid', value: caller.properties.principalId }
              ]
            }
          }
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
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

// Not the callback URL, which carries a signature: the caller shows an Entra token.
output triggerUrl string = '${workflow.properties.accessEndpoint}/triggers/manual/paths/invoke?api-version=2016-10-01'
output tokenScope string = '${audience}.default'
