# shellcheck shell=bash
# Sourced by the scripts that build. compile ARGUMENTS…: dotnet with these arguments and one compiler process for all
# projects, which ends with the build. A compiler for each project, what UseSharedCompilation=false asks for where nothing
# may be left behind, takes three times as long: most of it is the compiler's own start.
compile() {
  local pipe="orleanslake-$BASHPID-$RANDOM" code=0 version sdk
  # A larger youngest generation (128 MB; the value is hexadecimal) saves the compiler a fifteenth of its time.
  DOTNET_TieredPGO=0 DOTNET_GCgen0size=8000000 dotnet "$@" -p:UseSharedCompilation=true "-p:SharedCompilationId=$pipe" || code=$?
  version=$(dotnet --version)
  sdk=$(dotnet --list-sdks | awk -v version="$version" '$1 == version { sub(/^[^[]*\[/, ""); sub(/\]$/, ""); print $0 "/" version; exit }')
  # Where this SDK has no such server, nothing was started.
  if [ -f "$sdk/Roslyn/bincore/VBCSCompiler.dll" ]; then
    dotnet exec "$sdk/Roslyn/bincore/VBCSCompiler.dll" "-pipename:$pipe" -shutdown >/dev/null 2>&1 || true
  fi
  return "$code"
}

# For what is built to be run here: analyzers and documentation are half of a build. CI and ./lake build have both.
# shellcheck disable=SC2034
quick=(-p:RunAnalyzers=false -p:GenerateDocumentationFile=false)
