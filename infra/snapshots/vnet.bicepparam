// A network of their own for function and storage; the bus stays public, as Standard has no private endpoints.
using '../main.bicep'

param environmentName = 'petstore-demo'
param location = 'westeurope'
param notificationEmail = 'you@example.com'
param principalId = '11111111-1111-1111-1111-111111111111'
param vnetEnabled = true
