// As `azd up` deploys it when nothing but the mailbox is set.
using '../main.bicep'

param environmentName = 'petstore-demo'
param location = 'westeurope'
param notificationEmail = 'you@example.com'
param principalId = '11111111-1111-1111-1111-111111111111'
