# Before azd uploads the function for the first time: uploads it here, again and again until Azure takes it.
# Why: predeploy.sh.
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')
if ($env:FIRST_UPLOAD) { exit 0 } # azd below, in this hook
$done = ".azure/$env:AZURE_ENV_NAME/first-upload-done"
if (Test-Path $done) { exit 0 }

$env:FIRST_UPLOAD = '1'
foreach ($attempt in 1..6) {
    azd deploy reserver --no-prompt --environment $env:AZURE_ENV_NAME
    if ($LASTEXITCODE -eq 0) {
        New-Item $done -ItemType File -Force | Out-Null
        exit 0
    }
    if ($attempt -lt 6) {
        Write-Host "The upload failed ($attempt of 6): the role may not be known everywhere yet. Again in 30 s."
        Start-Sleep -Seconds 30
    }
}
Write-Error 'Six uploads failed: see above. If it is a 403, azd deploy in some minutes.'
exit 1
