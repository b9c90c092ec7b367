"""Checks `infra/`, `azure.yaml` and the Logic App workflow without Azure.

`bicep` drives Microsoft's compiler, which knows syntax, types and names; `compiled` holds what it made against its
sources; `snapshot` reads the resources that a deployment would create. What no compiler knows stands on those: `policy`
looks for wrong roles and secrets, `settings` and `agreement` compare what is written in several places, `docs` the
tables of the README, `records` what arrives in Application Insights, `azd` reads azure.yaml. `engine` is Microsoft's workflow engine, `workflow` runs a definition with
it, `scenarios` are the requests it is run with, `rules` are static checks of it.
"""
