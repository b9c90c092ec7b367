// Who the two apps are. One identity each, so that neither has the other's roles.
param location string
param tags object
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

output reserverId string = reserver.id
output reserverClientId string = reserver.properties.clientId
output reserverPrincipalId string = reserver.properties.principalId
output petstoreId string = petstore.id
output petstoreClientId string = petstore.properties.clientId
output petstorePrincipalId string = petstore.properties.principalId
