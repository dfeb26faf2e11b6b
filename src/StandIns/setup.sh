#!/usr/bin/env bash
# Makes what the configured NuGet sources do not serve. Writes only below .lake (git-ignored) and a cache of what is slow
# to build. Does nothing when the last setup still holds; an interrupted one is done again, since the stamp comes last.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
lake="$root/.lake"
. "$root/src/compile.sh"
cache="${ORLEANSLAKE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/orleanslake}"
wrong() { echo "lake setup: $*" >&2; exit 2; }
fail() { echo "lake setup: $*" >&2; exit 1; }

# What was chosen before holds until something else is chosen.
packages=auto source=
if [ -f "$lake/setup.choice" ]; then { read -r packages; read -r source || true; } <"$lake/setup.choice"; fi
verbose=${LAKE_VERBOSE:-0}
while [ $# -gt 0 ]; do
  case "$1" in
    --packages) [ $# -gt 1 ] || wrong "--packages takes standins, nuget or auto"; packages=$2; shift 2 ;;
    --source)
      [ $# -gt 1 ] || wrong "--source wants a folder"
      if [ -n "$2" ]; then source=$(cd "$2" 2>/dev/null && pwd) || wrong "--source: there is no folder $2"; else source=; fi
      shift 2 ;;
    --verbose) verbose=1; shift ;;
    *) wrong "unknown option $1 (--packages standins|nuget|auto, --source DIR, --verbose)" ;;
  esac
done
case "$packages" in auto|standins|nuget) ;; *) wrong "--packages takes standins, nuget or auto, not '$packages'" ;; esac

command -v dotnet >/dev/null || fail "the .NET 10 SDK is not installed (dotnet is not on the PATH)"
central() { sed -n "s/.*<$1 Condition[^>]*>\(.*\)<\/$1>.*/\1/p" "$root/Directory.Packages.props"; }
orleans_version=$(central OrleansVersion)
kafka_version=$(central ConfluentKafkaVersion)
dynamodb_version=$(central OrleansDynamoDbVersion)
aws_version=$(central AwsServicesVersion)
pinned() { sed -n "s/.*\"$1\" Version=\"\([^\"]*\)\".*/\1/p" "$root/Directory.Packages.props"; }
aws_core_version=$(pinned AWSSDK.Core)
aws_dynamodb_version=$(pinned AWSSDK.DynamoDBv2)
for version in "$orleans_version" "$dynamodb_version" "$kafka_version" "$aws_version" "$aws_core_version" "$aws_dynamodb_version"; do
  [ -n "$version" ] || fail "Directory.Packages.props lacks OrleansVersion, OrleansDynamoDbVersion, ConfluentKafkaVersion, AwsServicesVersion, AWSSDK.Core or AWSSDK.DynamoDBv2"
done
# The librdkafka whose source an npm package carries, and the Confluent.Kafka made for it.
built_kafka_version=2.15.1
# The version of a stand-in carries a hash of all that it is made of: NuGet would go on using an old assembly under the same version.
content=$(cd "$here" && find . \( -name bin -o -name obj \) -prune -o -type f ! -name '*.md' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
stamp="$packages|$source|$kafka_version|$orleans_version|$dynamodb_version|$aws_version|$aws_core_version|$aws_dynamodb_version|$content|$(dotnet --version)"
holds() {
  [ -f "$lake/setup.stamp" ] && [ "$(head -n 1 "$lake/setup.stamp")" = "$stamp" ] || return 1
  local file; while IFS= read -r file; do [ -f "$lake/$file" ] || return 1; done < <(tail -n +2 "$lake/setup.stamp")
}
holds && exit 0

mkdir -p "$lake/log" "$cache"
exec 9>"$lake/setup.lock"
flock 9
holds && exit 0
rm -f "$lake/setup.stamp" "$lake/packages.props"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "setup: $*"; }
run() { # run LOG COMMAND...: shows the command with --verbose, its output only on failure
  local log="$1"; shift
  [ "$verbose" = 1 ] && echo "+ $*"
  if ! "$@" >"$log" 2>&1; then tail -n 30 "$log" >&2; fail "failed: $* (whole output: $log)"; fi
}
question() { # question NAME ID VERSION [ID VERSION...]: packages that a restore is to find; a VERSION with + is the least
  local project="$work/questions/$1/$1.csproj" exact=1 range; shift
  mkdir -p "${project%/*}"
  { echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit>'
    echo "<RestoreAdditionalProjectSources>$source</RestoreAdditionalProjectSources></PropertyGroup><ItemGroup>"
    while [ $# -gt 0 ]; do
      case "$2" in *+) exact=0 range="${2%+}" ;; *) range="[$2]" ;; esac
      echo "<PackageReference Include=\"$1\" Version=\"$range\" />"; shift 2
    done
    echo '</ItemGroup>'
    # Another version than the one that was asked for is no answer.
    [ "$exact" = 0 ] || echo '<PropertyGroup><WarningsAsErrors>NU1603</WarningsAsErrors></PropertyGroup>'
    echo '</Project>'; } >"$project"
}
ask() { # one restore for all questions: a project that fails leaves the others their answer
  { echo '<Solution>'; (cd "$work/questions" && printf '<Project Path="%s" />\n' */*.csproj); echo '</Solution>'; } >"$work/questions/questions.slnx"
  dotnet restore "$work/questions/questions.slnx" --nologo >"$lake/log/questions.log" 2>&1 || true # what failed stands beside each project
}
served() { # served NAME: whether its packages and all that they depend on were found
  grep -q '"success": true' "$work/questions/$1/obj/project.nuget.cache" 2>/dev/null
}

orleans_standin=0 dynamodb_standin=0 kafka_native=0 aws_standin=0
why="--packages standins was chosen"
if [ "$packages" = standins ]; then orleans_standin=1 dynamodb_standin=1 kafka_native=1 aws_standin=1
elif [ "$packages" = auto ]; then
  say "asking the NuGet sources for Microsoft.Orleans $orleans_version, Confluent.Kafka $kafka_version and AWSSDK"
  why="the NuGet sources do not serve it"
  orleans=(); for id in Sdk Server Client Reminders Streaming Dashboard; do orleans+=("Microsoft.Orleans.$id" "$orleans_version"); done
  dynamodb=(); for id in Clustering Persistence Reminders; do dynamodb+=("Microsoft.Orleans.$id.DynamoDB" "$dynamodb_version"); done
  question orleans "${orleans[@]}"
  question orleans-dynamodb "${dynamodb[@]}"
  question kafka Confluent.Kafka "$kafka_version"
  question aws AWSSDK.Core "$aws_core_version+" AWSSDK.Glue "$aws_version+" AWSSDK.SecretsManager "$aws_version+" AWSSDK.SimpleSystemsManagement "$aws_version+"
  ask
  served orleans || orleans_standin=1
  { served orleans-dynamodb && [ "$orleans_standin" = 0 ]; } || dynamodb_standin=1
  served kafka || kafka_native=1
  served aws || aws_standin=1
fi

# Packages are made aside, kept in the cache under a name that says what they are, and linked into place whole.
properties=() made=() packing=() using=()
rm -rf "$lake/feed"; mkdir -p "$lake/feed"
keep() { # keep DIR: into the cache, whole or not at all
  if [ ! -d "$2" ]; then cp -r "$1" "$2.$$"; mv -T "$2.$$" "$2" 2>/dev/null || rm -rf "$2.$$"; fi
}
use() { # use CACHE-DIR: into this feed
  mkdir -p "$lake/feed"
  local file; for file in "$1"/*.nupkg; do cp "$file" "$lake/feed/"; made+=("feed/$(basename "$file")"); done
}

if [ "$orleans_standin" = 1 ]; then
  version="$orleans_version-standin.h$content"
  if [ ! -d "$cache/orleans-$version" ]; then
    say "Microsoft.Orleans $orleans_version: $why; making stand-in packages of the same ids ($version)"
    run "$lake/log/pack-orleans.log" compile pack "$here/Orleans/Orleans.slnx" -c Release -o "$work/orleans" -p:Version="$version" "${quick[@]}" --nologo
    keep "$work/orleans" "$cache/orleans-$version"
  fi
  use "$cache/orleans-$version"
  properties+=("<OrleansVersion>[$version]</OrleansVersion>")
fi

if [ "$dynamodb_standin" = 1 ]; then
  # On the stand-in of Orleans they are other assemblies, so they have another version.
  on=$orleans_version version="$dynamodb_version-standin.h$content"
  if [ "$orleans_standin" = 1 ]; then on="$orleans_version-standin.h$content" version="$dynamodb_version-standin.s$content"; fi
  if [ ! -d "$cache/orleans-dynamodb-$version" ]; then
    say "Microsoft.Orleans.Clustering.DynamoDB, .Persistence.DynamoDB, .Reminders.DynamoDB $dynamodb_version: $why; making stand-in packages of the same ids ($version)"
    { run "$lake/log/pack-orleans-dynamodb.log" compile pack "$here/OrleansDynamoDB/OrleansDynamoDB.slnx" -c Release -o "$work/orleans-dynamodb" -p:Version="$version" \
      -p:OrleansVersion="$on" -p:AwsCoreVersion="$aws_core_version" -p:AwsDynamoDbVersion="$aws_dynamodb_version" "-p:RestoreAdditionalProjectSources=$lake/feed${source:+%3B$source}" "${quick[@]}" --nologo \
      && keep "$work/orleans-dynamodb" "$cache/orleans-dynamodb-$version"; } & packing+=($!)
  fi
  using+=("$cache/orleans-dynamodb-$version")
  properties+=("<OrleansDynamoDbVersion>[$version]</OrleansDynamoDbVersion>")
fi

if [ "$aws_standin" = 1 ]; then
  version="$aws_version-standin.h$content"
  if [ ! -d "$cache/aws-$version" ]; then
    say "AWSSDK.Glue, .SecretsManager, .SimpleSystemsManagement $aws_version: $why; making stand-in packages of the same ids ($version)"
    { run "$lake/log/pack-aws.log" compile pack "$here/Aws/Aws.slnx" -c Release -o "$work/aws" -p:Version="$version" -p:AwsCoreVersion="$aws_core_version" "${quick[@]}" --nologo \
      && keep "$work/aws" "$cache/aws-$version"; } & packing+=($!)
  fi
  using+=("$cache/aws-$version")
  properties+=("<AwsServicesVersion>[$version]</AwsServicesVersion>")
fi

if [ "$kafka_native" = 1 ]; then
  case "$(uname -m)" in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) fail "no runtime id for $(uname -m)" ;; esac
  native_cache="$cache/librdkafka.redist-$built_kafka_version-$rid"
  # One machine builds it once, however many work on it.
  exec 8>"$cache/librdkafka.lock"
  flock 8
  if [ ! -d "$native_cache" ]; then
    say "librdkafka.redist $built_kafka_version for Confluent.Kafka: $why; building librdkafka from source (about a minute)"
    missing=()
    for tool in gcc g++ make; do command -v "$tool" >/dev/null || { missing+=(build-essential); break; }; done
    command -v npm >/dev/null || missing+=(npm)
    for library in libssl-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev; do
      if command -v dpkg >/dev/null && ! dpkg -s "$library" >/dev/null 2>&1; then missing+=("$library"); fi
    done
    if [ ${#missing[@]} -gt 0 ]; then
      if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "librdkafka needs ${missing[*]}; on Debian type: sudo apt-get install ${missing[*]}"
      fi
      say "installing ${missing[*]}"
      run "$lake/log/apt-update.log" apt-get update
      run "$lake/log/apt-install.log" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
    fi
    (cd "$work" && run "$lake/log/npm-pack.log" npm pack --silent @confluentinc/kafka-javascript@1.10.1 && tar xzf ./*.tgz)
    native="$work/package/deps/librdkafka"
    [ -f "$native/src/rdkafka.h" ] || fail "@confluentinc/kafka-javascript@1.10.1 does not carry librdkafka's source any more"
    (cd "$native" && run "$lake/log/librdkafka-configure.log" ./configure --disable-gssapi --disable-lz4-ext \
      && run "$lake/log/librdkafka-make.log" make -j "$(nproc)" -C src librdkafka.so.1)
    strip --strip-unneeded -o "$work/librdkafka.so" "$native/src/librdkafka.so.1"
    run "$lake/log/librdkafka-pack.log" compile pack "$here/librdkafka.redist/librdkafka.redist.csproj" -c Release -o "$work/redist" \
      -p:Version="$built_kafka_version" -p:NativeLibrary="$work/librdkafka.so" -p:NativeRid="$rid" --nologo
    keep "$work/redist" "$native_cache"
  fi
  flock -u 8
  use "$native_cache"
  properties+=("<ConfluentKafkaVersion>[$built_kafka_version]</ConfluentKafkaVersion>")
fi

# The stand-ins that need nothing of one another were made side by side.
for one in ${packing[@]+"${packing[@]}"}; do wait "$one" || exit 1; done
for one in ${using[@]+"${using[@]}"}; do use "$one"; done

feeds="$source"
if [ ${#made[@]} -gt 0 ]; then feeds="\$(MSBuildThisFileDirectory)feed${feeds:+;$feeds}"; fi
if [ -n "$feeds" ]; then
  { echo '<Project>'
    echo '  <!-- Made by ./lake setup. -->'
    echo '  <PropertyGroup>'
    echo "    <RestoreAdditionalProjectSources>$feeds;\$(RestoreAdditionalProjectSources)</RestoreAdditionalProjectSources>"
    for property in ${properties[@]+"${properties[@]}"}; do echo "    $property"; done
    echo '  </PropertyGroup>'
    echo '</Project>'; } >"$work/packages.props"
  cp "$work/packages.props" "$lake/packages.props.new" && mv "$lake/packages.props.new" "$lake/packages.props"
  made+=(packages.props)
fi
printf '%s\n%s\n' "$packages" "$source" >"$lake/setup.choice"
printf '%s\n' "$stamp" ${made[@]+"${made[@]}"} >"$lake/setup.stamp.new" && mv "$lake/setup.stamp.new" "$lake/setup.stamp"
if [ ${#properties[@]} -gt 0 ]; then say "done: builds use ${properties[*]}"; else say "done: builds use what the NuGet sources serve"; fi
