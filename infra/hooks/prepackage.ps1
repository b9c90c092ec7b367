# Before azd packages, on Windows: sees that everything is there that the build needs, and builds dist/.
# With the argument `check` it only looks. Does what prepackage.sh, `just package` and package.sh do elsewhere.
param([string] $Mode = 'build')
$ErrorActionPreference = 'Stop'
Set-Location (Join-Path $PSScriptRoot '../..')
$target = 'x86_64-unknown-linux-musl'
$missing = @()

function Test-Command([string] $Name) { $null -ne (Get-Command $Name -ErrorAction SilentlyContinue) }

if (Test-Command 'rustup') {
    if ((rustup target list --installed) -notcontains $target) { $missing += "Rust's target: rustup target add $target" }
} else {
    $missing += 'rustup: https://rustup.rs'
}
if (-not (Test-Command 'cargo-zigbuild')) { $missing += 'zig: pip install ziglang cargo-zigbuild' }
# A zip made on Windows has no executable bit; Core Tools set it, azd does not (postdeploy.ps1).
if (-not (Test-Command 'func')) { $missing += 'Core Tools: npm install --global azure-functions-core-tools@4' }
if (-not (Test-Command 'az')) { $missing += 'the Azure CLI, whose sign-in Core Tools take: https://aka.ms/azcli' }
if ($missing.Count -gt 0) {
    Write-Error ("The build for Azure needs:`n  " + ($missing -join "`n  ") + "`nOr open the repository in its dev container, which has all of it.")
    exit 1
}
if ($Mode -eq 'check') { exit 0 }

foreach ($package in 'order-items-reserver', 'petstore') {
    cargo zigbuild --release --target $target --package $package
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

$built = "target/$target/release"
if (Test-Path 'dist') { Remove-Item 'dist' -Recurse -Force }
New-Item 'dist/function/OrderItemsReserver', 'dist/petstore' -ItemType Directory -Force | Out-Null
Copy-Item "$built/order-items-reserver" 'dist/function/'
Copy-Item 'host.json' 'dist/function/'
Copy-Item 'OrderItemsReserver/function.json' 'dist/function/OrderItemsReserver/'
Copy-Item "$built/petstore" 'dist/petstore/'
