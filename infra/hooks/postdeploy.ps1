# After azd uploaded the function from Windows: uploads it again with Core Tools, which set the executable bit of the file
# that host.json names. Without it the host cannot start the handler.
$ErrorActionPreference = 'Stop'
if ($env:FIRST_UPLOAD) { exit 0 } # the upload of predeploy.ps1; azd's own follows, and then this
Set-Location (Join-Path $PSScriptRoot '../../dist/function')
func azure functionapp publish $env:SERVICE_RESERVER_NAME --custom
exit $LASTEXITCODE
