#!/bin/sh
# Before azd uploads the function for the first time: uploads it here, again and again until Azure takes it.
# The role on the deployment container takes a minute or more to be known everywhere; until then an upload fails with
# 403 or InaccessibleStorageException, and only an upload tells. What azd uploads after this is the same package.
set -eu
cd "$(dirname "$0")/../.."
[ -z "${FIRST_UPLOAD:-}" ] || exit 0 # azd below, in this hook
done=".azure/$AZURE_ENV_NAME/first-upload-done"
[ ! -e "$done" ] || exit 0

for attempt in 1 2 3 4 5 6; do
    if FIRST_UPLOAD=1 azd deploy reserver --no-prompt --environment "$AZURE_ENV_NAME"; then
        mkdir -p "$(dirname "$done")"
        : >"$done"
        exit 0
    fi
    [ "$attempt" = 6 ] || { echo "The upload failed ($attempt of 6): the role may not be known everywhere yet. Again in 30 s." && sleep 30; }
done
echo "Six uploads failed: see above. If it is a 403, azd deploy in some minutes." >&2
exit 1
