// Everything that can be switched on: a private network with a Premium bus, a lock, a budget, an instance that never sleeps.
using '../main.bicep'

param environmentName = 'petstore-demo'
param location = 'westeurope'
param notificationEmail = 'you@example.com'
param principalId = '11111111-1111-1111-1111-111111111111'
param vnetEnabled = true
param serviceBusSku = 'Premium'
param lockOrders = true
param monthlyBudget = 100
param budgetStart = '2027-01-01'
param alwaysReadyInstances = 1
param alertEmail = 'alerts@example.com'
