# Creates a client as a workflow step with curl and jq would. Fails if a client with the same name exists.
call() {
  curl --fail --silent --show-error "$@"
}
token() {
  call "$SCALEKIT_ENVIRONMENT_URL/oauth/token" --data grant_type=client_credentials \
    --data-urlencode "client_id=$1" --data-urlencode "client_secret=$2" | jq --exit-status --raw-output .access_token
}

clients="$SCALEKIT_ENVIRONMENT_URL/api/v1/organizations/$SCALEKIT_ORGANIZATION_ID/clients"
authorization="Authorization: Bearer $(token "$SCALEKIT_CLIENT_ID" "$SCALEKIT_CLIENT_SECRET")"
name=$(jq --raw-output .name <<< "$CLIENT")

if call "$clients?page_size=100" --header "$authorization" |
  jq --exit-status --arg name "$name" 'any(.clients[]?; .name == $name)' > /dev/null; then
  echo "There is a client $name already."
  exit 1
fi
created=$(call "$clients" --header "$authorization" --header 'Content-Type: application/json' --data "$CLIENT")
secret=$(jq --exit-status --raw-output .plain_secret <<< "$created")
echo "::add-mask::$secret"
client_id=$(jq --exit-status --raw-output .client.client_id <<< "$created")
token "$client_id" "$secret" > /dev/null
echo "client_id=$client_id" >> "$GITHUB_OUTPUT"
echo "secret=$secret" >> "$GITHUB_OUTPUT"
