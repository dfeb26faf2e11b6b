#!/usr/bin/env bash
# Builds the solution and runs every test project; called by ./lake test. Ends with one line: N passed, N failed.
#   tests/run.sh [--verbose] [--all] [PART…]      only the projects whose name contains one of PART…
# The tests of endurance (dozens of kills, storms, the protocol without each of its rules), a third of all the time, run with --all, in CI, and where PART… names
# their project.
# ORLEANSLAKE_TEST_TIMEOUT=SECONDS replaces the time that a project may take. With CI=true a skip counts as a failure,
# unless tests/skips-allowed.txt has its reason.
set -euo pipefail
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$tests")
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
. "$root/src/compile.sh"
verbose=${LAKE_VERBOSE:-0} all=0 wanted=()
for argument in "$@"; do
  case "$argument" in
    --verbose) verbose=1 ;;
    --all) all=1 ;;
    -*) echo "lake test: unknown option $argument (--verbose, --all, or parts of project names)" >&2; exit 2 ;;
    *) wanted+=("$argument") ;;
  esac
done
trace() { if [ "$verbose" = 1 ]; then echo "+ $*"; fi; }
ci() { case "${CI:-}" in ''|false|0) return 1 ;; esac; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f", b - a }'; }
began=$(now)

# Few projects at a time, the longest first: Integration starts processes and mostly waits for them.
first=(OrleansLake.Integration OrleansLake.Ingest.Tests OrleansLake.Silo.Tests OrleansLake.Parquet.Tests)
limit() { case "$1" in OrleansLake.Integration) echo "${ORLEANSLAKE_TEST_TIMEOUT:-1500}" ;; *) echo "${ORLEANSLAKE_TEST_TIMEOUT:-900}" ;; esac; }
is_wanted() {
  [ ${#wanted[@]} -eq 0 ] && return 0
  local part; for part in "${wanted[@]}"; do [[ "$1" == *"$part"* ]] && return 0; done; return 1
}
projects=()
for project in "${first[@]/#/$tests/}" "$tests"/*.Tests; do
  name=$(basename "$project")
  [ -f "$project/$name.csproj" ] && [[ " ${projects[*]:-} " != *" $name "* ]] || continue
  is_wanted "$name" && projects+=("$name")
done
if [ ${#projects[@]} -eq 0 ]; then echo "lake test: no test project's name contains ${wanted[*]}" >&2; exit 2; fi

# Processes that live for seconds: compiling a method again once it ran thirty times costs more than it gives back (1024; the
# value is hexadecimal).
export DOTNET_TC_CallCountThreshold=${DOTNET_TC_CallCountThreshold:-400}

results=$(mktemp -d)
finish() { # ends what still runs, when interrupted: timeout passes the signal on to the tests and what they started
  local pid; for pid in "$results"/*.pid; do [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null; done
  rm -rf "$results"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The readers of others are installed while the solution is built.
bash "$tests/readers/restore.sh" >"$results/readers.log" 2>&1 &
readers=$!

# The build is left out when no source changed since it last succeeded.
sources() {
  (cd "$root" && find src silo client tests Directory.* OrleansLake.sln .editorconfig .lake/packages.props .lake/setup.stamp \
    \( -name bin -o -name obj -o -name node_modules -o -name TestResults \) -prune -o -type f -printf '%p %T@ %s\n' 2>/dev/null || true) \
    | LC_ALL=C sort | sha256sum
}
mkdir -p "$root/.lake/log"
log="$root/.lake/log/build-tests.log" stamp="$root/.lake/built-tests" targets=("$root/OrleansLake.sln")
if [ ${#wanted[@]} -gt 0 ]; then # only what was asked for, and what it needs
  stamp+="-$(IFS=-; echo "${wanted[*]}" | tr -c 'A-Za-z0-9.\n' -)" targets=()
  for name in "${projects[@]}"; do targets+=("$tests/$name/$name.csproj"); done
fi
state=$(sources)
missing=0
for name in "${projects[@]}"; do [ -f "$tests/$name/bin/Release/net10.0/$name.dll" ] || missing=1; done
if ci || [ "$missing" = 1 ] || [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$state" ]; then
  rm -f "$stamp"
  : >"$log"
  for target in "${targets[@]}"; do
    command=(build "$target" -c Release --nologo -v quiet -graph -warnaserror "-warnnotaserror:NU1603;NU1901;NU1902;NU1903;NU1904")
    ci || command+=("${quick[@]}")
    trace dotnet "${command[@]}"
    compile "${command[@]}" >>"$log" 2>&1 && continue
    # Each project that fails repeats its errors in the summary.
    { grep -E '(error|warning) ' "$log" | sed 's/^ *//' | awk '!seen[$0]++' || true; } | head -n 40
    echo "lake test: the build failed (whole output: $log)"
    echo "0 passed, 1 failed"
    exit 1
  done
  echo "$state" >"$stamp"
  echo "built in $(since "$began") s"
fi
wait "$readers" || true
cat "$results/readers.log"

endurance="Category=Endurance" filter=()
if [ "$all" = 0 ] && ! ci && [ ${#wanted[@]} -eq 0 ]; then filter=(-preEnumerateTheories -trait- "$endurance"); fi # a trait of one row of a theory is seen only so
run_project() { # run_project NAME: leaves its output, report, exit code and seconds in $results
  local name="$1" started code=0; started=$(now)
  cd "$tests/$name/bin/Release/net10.0"
  timeout --kill-after=10 "$(limit "$name")" \
    dotnet exec "$name.dll" -noColor -noLogo ${filter[@]+"${filter[@]}"} -xml "$results/$name.xml" >"$results/$name.log" 2>&1 </dev/null &
  echo $! >"$results/$name.pid"
  wait $! || code=$?
  rm -f "$results/$name.pid"
  echo "$code $(since "$started")" >"$results/$name.part" && mv "$results/$name.part" "$results/$name.done"
}

passed=0 failed=0 skipped=0 failures=()
report() { # report NAME: reads what run_project left, prints it, adds it up
  local name="$1" code seconds total=0 p=0 f=0 s=0 note='' xml="$results/$1.xml"
  read -r code seconds <"$results/$name.done"
  if grep -q '</assemblies>' "$xml" 2>/dev/null; then
    # One record a test: verdict, name and, for a skip, its reason in one line.
    awk 'BEGIN { RS = "<test " } NR > 1 {
      head = $0; sub(/>.*/, "", head)
      name = head; if (!sub(/^.* name="/, "", name)) sub(/^name="/, "", name); sub(/".*/, "", name)
      verdict = head; sub(/^.* result="/, "", verdict); sub(/".*/, "", verdict)
      reason = ""
      if (match($0, /<reason>/)) { reason = substr($0, RSTART + 8); sub(/<\/reason>.*/, "", reason); gsub(/<!\[CDATA\[|\]\]>/, "", reason); gsub(/[\r\n\t]+/, " ", reason) }
      gsub(/&quot;/, "\"", name); gsub(/&lt;/, "<", name); gsub(/&gt;/, ">", name); gsub(/&apos;|&#39;/, "\047", name); gsub(/&amp;/, "\\&", name)
      print verdict "\t" name "\t" reason }' "$xml" >"$results/$name.tests"
    local verdict test reason
    while IFS=$'\t' read -r verdict test reason; do
      case "$verdict" in
        Pass) p=$((p + 1)) ;;
        Fail) f=$((f + 1)); failures+=("$test") ;;
        Skip)
          if ci && ! grep -qE -f <(grep -vE '^(#|[[:space:]]*$)' "$tests/skips-allowed.txt") <<<"$reason"; then
            f=$((f + 1)); failures+=("$test (skipped, which CI does not allow: $reason)")
          else
            s=$((s + 1)); echo "$reason" >>"$results/skips"
          fi ;;
      esac
    done <"$results/$name.tests"
    # Failures outside any test (a fixture that could not be cleaned up), or a process that ended badly after its tests.
    local errors; errors=$({ grep -o '<assembly [^>]*' "$xml" || true; } | sed -n 's/.* errors="\([0-9]*\)".*/\1/p' | head -n 1)
    if [ "${errors:-0}" -gt 0 ]; then f=$((f + errors)); failures+=("$name: $errors errors outside its tests"); fi
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then f=$((f + 1)); note="did not end within $(limit "$name") s"; failures+=("$name: $note")
    elif [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; note="exit code $code after its tests"; failures+=("$name: $note"); fi
  else
    f=1
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then note="timed out after $(limit "$name") s"; else note="crashed with exit code $code"; fi
    failures+=("$name: $note")
  fi
  total=$((p + f + s))
  if [ "$total" -eq 0 ]; then
    note="no tests"
    if grep -rqE --include='*.cs' --exclude-dir=bin --exclude-dir=obj '^ *\[(Fact|Theory)' "$tests/$name"; then
      note="ran none of its tests"; f=1; failures+=("$name: $note")
    fi
  fi
  if [ "$f" -gt 0 ]; then
    echo
    # All but the runner's own lines and the reasons of skips.
    awk '/^  (Discovering|Discovered|Starting|Finished): / || /^=== TEST EXECUTION SUMMARY/ || /^   [^ ].*  Total: / { next }
      / \[SKIP\]$/ { skip = 1; next } skip && /^      / { next } { skip = 0; print }' "$results/$name.log" \
      | cut -c1-400 | awk 'NR <= 120 { print; next } { tail[NR % 60] = $0 } END {
          if (NR > 180) print "    … " NR - 180 " lines left out"
          for (i = (NR > 180 ? NR - 59 : 121); i <= NR; i++) print tail[i % 60] }'
  elif [ "$verbose" = 1 ]; then
    cat "$results/$name.log"
  fi
  printf '%-28s %s passed, %s failed%s in %s s%s\n' "$name" "$p" "$f" "$([ "$s" -gt 0 ] && echo ", $s skipped" || true)" "$seconds" "${note:+ ($note)}"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

reported=' '
report_finished() {
  local name
  for name in "${projects[@]}"; do
    if [ -f "$results/$name.done" ] && [[ "$reported" != *" $name "* ]]; then reported+="$name "; report "$name"; fi
  done
}
# Tests of endurance want the cores for themselves.
slots=3 running=0
[ ${#filter[@]} -eq 0 ] || slots=4
for name in "${projects[@]}"; do
  if [ "$running" -ge "$slots" ]; then wait -n || true; running=$((running - 1)); report_finished; fi
  trace "(cd tests/$name/bin/Release/net10.0 && dotnet exec $name.dll)"
  run_project "$name" 2>/dev/null &
  running=$((running + 1))
done
while [ "$running" -gt 0 ]; do wait -n || true; running=$((running - 1)); report_finished; done

for name in "${projects[@]}"; do
  if [[ "$reported" != *" $name "* ]]; then echo "$name could not be started"; failed=$((failed + 1)); failures+=("$name: could not be started"); fi
done
if [ -s "$results/skips" ]; then
  echo
  echo "skipped because:"
  sort "$results/skips" | uniq -c | sort -rn | sed 's/^/  /' | cut -c1-200
fi
if [ ${#failures[@]} -gt 0 ]; then
  echo
  echo "failed:"
  printf '  %s\n' "${failures[@]}"
fi
if [ ${#filter[@]} -gt 0 ]; then
  echo "left out: $(grep -rE --include='*.cs' --exclude-dir=bin --exclude-dir=obj -c '"Category", "Endurance"' "$tests" | awk -F: '{ n += $NF } END { print n }') tests of endurance; ./lake test --all runs them too"
fi
echo "all in $(since "$began") s"
echo
echo "$passed passed, $failed failed$([ "$skipped" -gt 0 ] && echo ", $skipped skipped" || true)"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
