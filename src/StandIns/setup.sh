#!/usr/bin/env bash
# Makes what the configured NuGet sources do not serve. Writes only below .lake (git-ignored) and a cache of what is slow
# to build. Does nothing when the last setup still holds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
lake="$root/.lake"
cache="${ORLEANSLAKE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/orleanslake}"
packages=auto source= verbose=0
while [ $# -gt 0 ]; do
  case "$1" in
    --packages) packages="${2:-}"; shift 2 ;;
    --source) source=$(cd "${2:?--source wants a folder}" && pwd); shift 2 ;;
    --verbose) verbose=1; shift ;;
    *) echo "lake setup: unknown option $1 (--packages standins|nuget, --source DIR, --verbose)" >&2; exit 2 ;;
  esac
done
case "$packages" in auto|standins|nuget) ;; *) echo "lake setup: --packages takes standins or nuget, not '$packages'" >&2; exit 2 ;; esac

say() { echo "setup: $*"; }
run() { # run LOG COMMAND...: shows the command with --verbose, its output only on failure
  local log="$1"; shift
  [ "$verbose" = 1 ] && echo "+ $*"
  if ! "$@" >"$log" 2>&1; then tail -n 30 "$log" >&2; echo "lake setup: failed: $* (whole output: $log)" >&2; exit 1; fi
}

command -v dotnet >/dev/null || { echo "lake setup: the .NET 10 SDK is not installed (dotnet is not on the PATH)" >&2; exit 1; }
central() { sed -n "s/.*<$1 Condition[^>]*>\(.*\)<\/$1>.*/\1/p" "$root/Directory.Packages.props"; }
orleans_version=$(central OrleansVersion)
kafka_version=$(central ConfluentKafkaVersion)
# The librdkafka whose source an npm package carries, and the Confluent.Kafka made for it.
built_kafka_version=2.15.1
content=$(cd "$here" && find . -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.targets' -o -name '*.sh' \) -not -path '*/bin/*' -not -path '*/obj/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
stamp="$packages|$source|$kafka_version|$orleans_version|$content|$(dotnet --version)"
[ -f "$lake/setup.stamp" ] && [ "$(cat "$lake/setup.stamp")" = "$stamp" ] && exit 0
mkdir -p "$lake/feed" "$lake/log" "$cache"
rm -f "$lake/packages.props" "$lake/setup.stamp"

served() { # served ID VERSION: whether a plain restore finds the package and all that it depends on
  local probe; probe=$(mktemp -d)
  cat >"$probe/probe.csproj" <<X
<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework>
<RestoreAdditionalProjectSources>$source</RestoreAdditionalProjectSources></PropertyGroup>
<ItemGroup><PackageReference Include="$1" Version="[$2]" /></ItemGroup></Project>
X
  local found=0
  (cd "$probe" && dotnet restore --nologo >"$lake/log/probe-$1.log" 2>&1 && ! grep -q 'NU1603' "$lake/log/probe-$1.log") || found=1
  rm -rf "$probe"
  return $found
}

properties=() feeds="$source"
orleans_standin=0 kafka_native=0
if [ "$packages" = standins ]; then orleans_standin=1 kafka_native=1
elif [ "$packages" = auto ]; then
  say "asking the NuGet sources for Microsoft.Orleans $orleans_version and Confluent.Kafka $kafka_version"
  served Microsoft.Orleans.Server "$orleans_version" && served Microsoft.Orleans.Client "$orleans_version" \
    && served Microsoft.Orleans.Reminders "$orleans_version" || orleans_standin=1
  served Confluent.Kafka "$kafka_version" || kafka_native=1
fi

if [ "$orleans_standin" = 1 ]; then
  version="$orleans_version-standin.h$content"
  say "the NuGet sources do not serve Microsoft.Orleans $orleans_version: making stand-in packages of the same ids ($version)"
  run "$lake/log/pack-orleans.log" dotnet pack "$here/Orleans/Orleans.slnx" -c Release -o "$lake/feed" -p:Version="$version" --nologo
  properties+=("<OrleansVersion>[$version]</OrleansVersion>")
fi

if [ "$kafka_native" = 1 ]; then
  package="$cache/librdkafka.redist.$built_kafka_version.nupkg"
  if [ ! -f "$package" ]; then
    say "the NuGet sources do not serve librdkafka.redist $built_kafka_version: building librdkafka from source (about a minute)"
    missing=()
    for tool in gcc make npm; do command -v "$tool" >/dev/null || missing+=("$tool"); done
    libraries=()
    for lib in libssl-dev zlib1g-dev libzstd-dev libcurl4-openssl-dev; do dpkg -s "$lib" >/dev/null 2>&1 || libraries+=("$lib"); done
    case " ${missing[*]:-} " in *' gcc '*|*' make '*) libraries+=(build-essential) ;; esac
    case " ${missing[*]:-} " in *' npm '*) libraries+=(npm) ;; esac
    if [ ${#libraries[@]} -gt 0 ]; then
      if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing ${libraries[*]}"
        run "$lake/log/apt-update.log" apt-get update
        run "$lake/log/apt-install.log" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${libraries[@]}"
      else
        echo "lake setup: librdkafka needs ${libraries[*]}; type: sudo apt-get install ${libraries[*]}" >&2; exit 1
      fi
    fi
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    # This npm package carries the source of librdkafka $built_kafka_version.
    (cd "$build" && run "$lake/log/npm-pack.log" npm pack --silent @confluentinc/kafka-javascript@1.10.1 && tar xzf ./*.tgz)
    native="$build/package/deps/librdkafka"
    [ -f "$native/src/rdkafka.h" ] || { echo "lake setup: @confluentinc/kafka-javascript@1.10.1 does not carry librdkafka's source any more" >&2; exit 1; }
    (cd "$native" && run "$lake/log/librdkafka-configure.log" ./configure --disable-gssapi --disable-lz4-ext \
      && run "$lake/log/librdkafka-make.log" make -j "$(nproc)" -C src librdkafka.so.1)
    strip --strip-unneeded -o "$build/librdkafka.so" "$native/src/librdkafka.so.1"
    case "$(uname -m)" in x86_64) rid=linux-x64 ;; aarch64) rid=linux-arm64 ;; *) echo "lake setup: no runtime id for $(uname -m)" >&2; exit 1 ;; esac
    run "$lake/log/librdkafka-pack.log" dotnet pack "$here/librdkafka.redist/librdkafka.redist.csproj" -c Release -o "$build/out" \
      -p:Version="$built_kafka_version" -p:NativeLibrary="$build/librdkafka.so" -p:NativeRid="$rid" --nologo
    cp "$build/out/librdkafka.redist.$built_kafka_version.nupkg" "$package.$$" && mv "$package.$$" "$package"
  fi
  cp "$package" "$lake/feed/"
  properties+=("<ConfluentKafkaVersion>$built_kafka_version</ConfluentKafkaVersion>")
fi

if [ "$orleans_standin" = 1 ] || [ "$kafka_native" = 1 ]; then feeds="$lake/feed${feeds:+;$feeds}"; fi
if [ -n "$feeds" ]; then
  { echo '<Project>'
    echo '  <!-- Made by ./lake setup. -->'
    echo '  <PropertyGroup>'
    echo "    <RestoreAdditionalProjectSources>$feeds;\$(RestoreAdditionalProjectSources)</RestoreAdditionalProjectSources>"
    for property in "${properties[@]:-}"; do [ -n "$property" ] && echo "    $property"; done
    echo '  </PropertyGroup>'
    echo '</Project>'; } >"$lake/packages.props"
fi
echo "$stamp" >"$lake/setup.stamp"
say "done"
