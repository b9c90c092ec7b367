// Who the two apps are. One identity each, so that neither has the other's roles.
import { Tags } from './types.bicep'

param location string
param tags Tags
param reserverName string
param petstoreName string

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
