// One alert on one metric of one resource.
import { Tags } from './types.bicep'

type Dimension = { name: string, operator: 'Include' | 'Exclude', values: string[] }

param tags Tags
param name string
param meaning string
@minValue(0)
@maxValue(4)
@description('0 critical, 1 error, 2 warning, 3 informational, 4 verbose.')
param severity int
param actionGroupId string
param targetId string
param metricNamespace string
param metricName string
@description('Which values of which dimensions count; empty: all.')
param dimensions Dimension[] = []
@allowed(['Average', 'Maximum', 'Minimum', 'Total', 'Count'])
param aggregation string
@allowed(['GreaterThan', 'LessThan'])
param operator string
param threshold int
@description('How often it is looked at.')
param frequency string = 'PT1M'
@description('Over which time.')
param window string = 'PT5M'

resource rule 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    description: meaning
    severity: severity
    enabled: true
    autoMitigate: true // one mail when it begins, one when it is over
    scopes: [targetId]
    evaluationFrequency: frequency
    windowSize: window
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'metric'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: metricNamespace
          metricName: metricName
          dimensions: dimensions
          operator: operator
          threshold: threshold
          timeAggregation: aggregation
        }
      ]
    }
    actions: [{ actionGroupId: actionGroupId }]
  }
}
