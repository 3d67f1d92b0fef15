#!/usr/bin/env bash
# What can be known of the recipes without vcpkg and Conan: that they parse, that versions agree, that each CMake option which they set exists and is used.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
die() { printf 'packaging/check.sh: %s\n' "$*" >&2; exit 1; }
command -v python3 >/dev/null || { echo "recipes not checked: there is no python3 here"; exit 0; }

version=$(sed -n 's/^project(gemma4 VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")

# The port's description: the keys vcpkg knows, the version, no feature without a description.
python3 - "$here/vcpkg/gemma4/vcpkg.json" "$version" <<'PYTHON'
import json, sys
port = json.load(open(sys.argv[1]))
known = {"name", "version", "description", "license", "supports", "dependencies", "features", "homepage", "port-version"}
assert set(port) <= known, set(port) - known
assert port["name"] == "gemma4" and port["version"] == sys.argv[2], port["version"]
for dependency in port["dependencies"]:
    assert isinstance(dependency, str) or set(dependency) <= {"name", "host", "features", "platform"}, dependency
for name, feature in port["features"].items():
    assert feature["description"] and set(feature) <= {"description", "supports", "dependencies"}, name
PYTHON

# The port's script, run with vcpkg's functions replaced by ones that write the options down.
cat >"$work/port.cmake" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "OUT_FEATURE_OPTIONS" "FEATURES")
  set(options "")
  list(LENGTH A_FEATURES count)
  math(EXPR last "${count} - 1")
  foreach(i RANGE 1 ${last} 2)
    list(GET A_FEATURES ${i} option)
    list(APPEND options -D${option}=OFF)
  endforeach()
  set(${A_OUT_FEATURE_OPTIONS} "${options}" PARENT_SCOPE)
endfunction()
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "SOURCE_PATH" "OPTIONS")
  list(JOIN A_OPTIONS "\n" options)
  file(WRITE "${WORK}/port_options" "${options}\n")
  file(WRITE "${WORK}/port_source" "${A_SOURCE_PATH}")
endfunction()
foreach(name vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_copy_tools vcpkg_install_copyright)
  cmake_language(EVAL CODE "function(${name})\nendfunction()")
endforeach()
set(VCPKG_LIBRARY_LINKAGE static)
set(FEATURES core tools)
set(PORT gemma4)
set(CURRENT_PACKAGES_DIR "${WORK}/packages")
include("${PORTFILE}")
CMAKE
cmake -DWORK="$work" -DPORTFILE="$here/vcpkg/gemma4/portfile.cmake" -P "$work/port.cmake" >/dev/null
[ "$(cat "$work/port_source")" = "$root" ] || die "the port builds $(cat "$work/port_source") instead of $root"
mapfile -t options <"$work/port_options"

# The recipe's generate(), run with stand-ins for Conan's classes.
python3 - "$here/conan/conanfile.py" "$version" "$work/conan_options" <<'PYTHON'
import sys, types
from unittest.mock import MagicMock
variables = {}
class ConanFile: pass
toolchain = MagicMock(return_value=MagicMock(cache_variables=variables))
for name, parts in {"conan": {"ConanFile": ConanFile}, "conan.tools": {}, "conan.tools.build": {"check_min_cppstd": None},
                    "conan.tools.cmake": {"CMake": None, "CMakeDeps": MagicMock(), "CMakeToolchain": toolchain, "cmake_layout": None},
                    "conan.tools.files": {"copy": None, "rmdir": None}}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(parts)
recipe = {}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), recipe)
recipe = recipe["Gemma4Conan"]()
assert recipe.version == sys.argv[2], recipe.version
recipe.options = types.SimpleNamespace(shared=False)
recipe.generate()
assert variables
with open(sys.argv[3], "w") as out:
    for name, value in variables.items():
        print(f"-D{name}={'ON' if value else 'OFF'}", file=out)
PYTHON
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$here/conan/test_package/conanfile.py"
mapfile -t -O ${#options[@]} options <"$work/conan_options"

# Every option is the project's, and configuring with them works.
for option in "${options[@]}"; do
  name=${option#-D}
  grep -qE "^(option|set)\(${name%%=*} " "$root/CMakeLists.txt" || die "$option is no option of the project"
done
cmake -S "$root" -B "$work/build" -DCMAKE_BUILD_TYPE=Release "${options[@]}" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "configuring failed"; }
! grep -A3 'were not used' "$work/log" >&2 || die "options are not used"
echo "recipes: ${#options[@]} options, all the project's"
