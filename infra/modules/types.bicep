// What several modules take.

@export()
@description('Tags of a resource; azd finds its resources by them.')
type Tags = { *: string }

@export()
@description('A person or pipeline that may look after the system; without an id, nobody.')
type Operator = {
  principalId: string
  principalType: 'User' | 'ServicePrincipal' | 'Group'
}

@export()
@description('Name of a storage account.')
@minLength(3)
@maxLength(24)
type AccountName = string
