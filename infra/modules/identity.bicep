// Who the two apps are. One identity each, so that neither has the other's roles; and one without any role, for the
// token that the function shows the Logic App: whoever gets hold of that token can do nothing else with it.
import { Tags } from './types.bicep'

param location string
param tags Tags
param reserverName string
param petstoreName string
param fallbackName string

resource reserver 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: reserverName
  location: location
  tags: tags
}

resource petstore 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: petstoreName
  location: location
  tags: tags
}

resource fallback 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: fallbackName
  location: location
  tags: tags
}
