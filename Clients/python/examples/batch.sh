#!/bin/sh
# Asks a model for each line of standard input, with curl. Fusebox says for each call which provider may take it.
#
#   OPENAI_API_KEY=… GROQ_API_KEY=… ./batch.sh < questions.txt > answers.txt
#
# A call that finds no room waits for its turn. One that fails is made again, by another provider if its own is marked by
# then. Needs fusebox, curl and jq. The exit status is 1 if a question has no answer.
set -u

routes=${ROUTES:-openai/gpt-4o groq/llama-3.3-70b-versatile}
attempts=3

# One call, run by `fusebox run`, which tells the route and reads in $FUSEBOX_USAGE what the provider has answered.
call() {
    case $FUSEBOX_PROVIDER in
    openai) url=${OPENAI_URL:-https://api.openai.com/v1} key=${OPENAI_API_KEY:-} ;;
    groq) url=${GROQ_URL:-https://api.groq.com/openai/v1} key=${GROQ_API_KEY:-} ;;
    *) echo "$FUSEBOX_PROVIDER is not known here" >&2 && echo outcome=cancelled >> "$FUSEBOX_USAGE" && return 1 ;;
    esac
    folder=$(mktemp -d) || return 1
    trap 'rm -rf "$folder"' EXIT
    # The key is in a file, because everybody sees the arguments of a program.
    printf 'authorization: Bearer %s\n' "$key" > "$folder/headers"
    jq -n --arg model "$FUSEBOX_MODEL" --arg question "$1" \
        '{model: $model, messages: [{role: "user", content: $question}]}' > "$folder/request"
    curl -sS --max-time 120 -H "@$folder/headers" -H 'content-type: application/json' \
        --data "@$folder/request" -D "$folder/head" -o "$folder/answer" "$url/chat/completions" || return 1
    # The head has the status and what remains of rate limits, the body the usage or the error.
    cat "$folder/head" "$folder/answer" >> "$FUSEBOX_USAGE"
    jq -er '.choices[0].message.content // empty' "$folder/answer" 2> /dev/null
}

ask() {
    attempt=1
    while :; do
        # shellcheck disable=SC2086  # The options of the routes are words.
        fusebox run $options --tag "${TAG:-job:batch}" --cost 0.01 --wait "${WAIT:-5m}" -- \
            "$0" --call "$1" < /dev/null && return 0
        case $? in
        69 | 75 | 78) return 1 ;; # There is no daemon, or no provider may be called. Standard error has the reason.
        esac
        [ "$attempt" -lt "$attempts" ] || return 1
        attempt=$((attempt + 1))
    done
}

if [ "${1:-}" = --call ]; then
    call "$2"
    exit
fi

options=
for route in $routes; do options="$options --route $route"; done
status=0
while IFS= read -r question; do
    ask "$question" || { echo "no answer: $question" >&2 && status=1; }
done
exit $status
