"""Checks `infra/`, `azure.yaml` and the Logic App workflow without Azure.

`syntax` parses Bicep, `azure_types` knows Microsoft's types, `conformance` compares the two, `expressions` and
`wiring` follow names from file to file, `policy` looks for wrong roles and secrets, `settings` and `agreement`
compare what is written in several places, `azd` reads azure.yaml. `engine` is Microsoft's workflow engine,
`workflow` runs a definition with it, `scenarios` are the requests it is run with, `rules` are static checks of it.
"""
