// A queue with sessions: goes with isSessionsEnabled in OrderItemsReserver/function.json.
using '../main.bicep'

param environmentName = 'petstore-demo'
param location = 'westeurope'
param notificationEmail = 'you@example.com'
param principalId = '11111111-1111-1111-1111-111111111111'
param requiresSession = true
