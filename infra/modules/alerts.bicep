// Who is told, and of what. The mails come from Azure Monitor: they arrive when everything of ours is broken.
import { Tags } from './types.bicep'

param location string
param tags Tags
param actionGroupName string
param alertEmail string
param serviceBusName string
param queueName string
param workflowName string
param ordersAccountName string
param applicationInsightsName string
param workspaceName string
@description('Whether there is one to watch.')
param storefront bool
param cartsAccountName string
param monthlyBudget int
param budgetStart string

resource serviceBus 'Microsoft.ServiceBus/namespaces@2026-01-01' existing = {
  name: serviceBusName
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' existing = {
  name: workflowName
}

resource orders 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: ordersAccountName
}

resource carts 'Microsoft.Storage/storageAccounts@2025-01-01' existing = if (storefront) {
  name: cartsAccountName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = {
  name: workspaceName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'petstore'
    enabled: true
    emailReceivers: [{ name: 'owner', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

module deadLetters './metric-alert.bicep' = {
  params: {
    tags: tags
    name: 'orders-in-dead-letter-queue'
    meaning: 'An order reached neither Blob Storage nor the e-mail. It is safe in the dead-letter queue: redrive it once storage is back. Without an outage its body is an AMQP value, which the Functions host cannot bind: the README tells what its sender has to change.'
    severity: 1
    actionGroupId: people.id
    targetId: serviceBus.id
    metricNamespace: 'Microsoft.ServiceBus/namespaces'
    metricName: 'DeadletteredMessages'
    dimensions: [{ name: 'EntityName', operator: 'Include', values: [queueName] }]
    aggregation: 'Maximum'
    operator: 'GreaterThan'
    threshold: 0
  }
}

module ordersWaiting './metric-alert.bicep' = {
  params: {
    tags: tags
    name: 'orders-waiting'
    meaning: 'Orders have been in the queue for a quarter of an hour: is the function running? It empties the queue in seconds.'
    severity: 2
    actionGroupId: people.id
    targetId: serviceBus.id
    metricNamespace: 'Microsoft.ServiceBus/namespaces'
    metricName: 'ActiveMessages'
    dimensions: [{ name: 'EntityName', operator: 'Include', values: [queueName] }]
    aggregation: 'Minimum'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT5M'
    window: 'PT15M'
  }
}

module fallbackUsed './metric-alert.bicep' = {
  params: {
    tags: tags
    name: 'fallback-used'
    meaning: 'An order went to the mailbox because it could not be stored or read.'
    severity: 2
    actionGroupId: people.id
    targetId: workflow.id
    metricNamespace: 'Microsoft.Logic/workflows'
    metricName: 'RunsStarted'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
    frequency: 'PT5M'
    window: 'PT15M'
  }
}

module fallbackFailed './metric-alert.bicep' = {
  params: {
    tags: tags
    name: 'fallback-failed'
    meaning: 'The e-mail of an order was not accepted. The order is in the queue, and will be in the dead-letter queue.'
    severity: 1
    actionGroupId: people.id
    targetId: workflow.id
    metricNamespace: 'Microsoft.Logic/workflows'
    metricName: 'RunsFailed'
    aggregation: 'Total'
    operator: 'GreaterThan'
    threshold: 0
  }
}

// Azure's own view. It knows of errors of the service, not of a firewall or a role that keeps us out.
module storageUnavailable './metric-alert.bicep' = {
  params: {
    tags: tags
    name: 'orders-storage-unavailable'
    meaning: 'The storage account of the orders answers with errors.'
    severity: 1
    actionGroupId: people.id
    targetId: orders.id
    metricNamespace: 'Microsoft.Storage/storageAccounts'
    metricName: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 99
  }
}

module cartsUnavailable './metric-alert.bicep' = if (storefront) {
  params: {
    tags: tags
    name: 'carts-storage-unavailable'
    meaning: 'The storage account of the carts answers with errors: shoppers see the shelf, and cannot change a cart.'
    severity: 2
    actionGroupId: people.id
    targetId: carts.id
    metricNamespace: 'Microsoft.Storage/storageAccounts'
    metricName: 'Availability'
    aggregation: 'Average'
    operator: 'LessThan'
    threshold: 99
  }
}

// The function's view: its words for four attempts that all failed, whatever the cause (src/fallback.rs).
resource uploadsFailing 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'orders-storage-unreachable'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The function cannot store orders'
    description: 'Orders could not be uploaded after four attempts: storage is down, or keeps the function out.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [applicationInsights.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true // the tables of a new workspace come with the first record
    criteria: {
      allOf: [
        {
          query: 'traces | where message has "upload could not be confirmed"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

resource functionFailures 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'function-failures'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Invocations of the function fail'
    description: 'Orders are given back to the queue: neither storage nor the e-mail took them, or the function is broken.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [applicationInsights.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'requests | where success == false'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

// The storefront's view: nobody else knows of a change that never reached the queue.
resource notPublished 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = if (storefront) {
  name: 'storefront-cannot-publish'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The storefront cannot publish orders'
    description: 'Cart changes wait in the store of the carts: the bus does not answer, or refuses them, which waits for a person. They go out when it takes them.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'AppServiceConsoleLogs | where ResultDescription has "waits for a person" or (ResultDescription has "not published yet" and toint(parse_json(ResultDescription).failures) >= 8)'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

// The same of its store, whatever the cause: a firewall or a role that keeps it out is no error of the service.
resource cartsUnreachable 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = if (storefront) {
  name: 'carts-storage-unreachable'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The storefront cannot reach its carts'
    description: 'The storefront cannot list or read the records of its shoppers: they see the shelf, and cannot change a cart. Nothing is lost.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'AppServiceConsoleLogs | where ResultDescription has "the marks cannot be listed" or ResultDescription has "a cart is not shown"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

// The mail service's view: it took the mail, so the order has left the queue, and then the mailbox did not.
resource mailBounced 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'mail-not-delivered'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The mail of an order was not delivered'
    description: 'The mail service accepted an order for the mailbox and could not deliver it: a person has not seen it.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: 'ACSEmailStatusUpdateOperational | where DeliveryStatus in~ ("Bounced", "Failed", "FilteredSpam", "Quarantined", "Suppressed")'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

// Beyond the daily cap of the workspace the alerts on logs see nothing for the rest of the day. Its own log goes on.
resource capReached 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'log-cap-reached'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'The daily cap of the logs is reached'
    description: 'Until tomorrow the alerts on logs are blind; those on metrics go on. Raise dailyQuotaGb, or see what floods the logs.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT30M'
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: '_LogOperation | where Category =~ "Ingestion" | where Detail contains "OverQuota"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}

// Mails when the month's bill of this resource group will exceed, or exceeds, what was meant.
resource budget 'Microsoft.Consumption/budgets@2024-08-01' = if (monthlyBudget > 0) {
  name: 'petstore'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetStart }
    notifications: {
      expected: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [alertEmail]
      }
      reached: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
      }
    }
  }
}
