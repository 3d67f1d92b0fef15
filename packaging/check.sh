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
assert all(port[key] for key in ("description", "homepage", "license", "supports"))
for dependency in port["dependencies"]:
    assert isinstance(dependency, str) or set(dependency) <= {"name", "host", "features", "platform"}, dependency
for name, feature in port["features"].items():
    assert feature["description"] and set(feature) <= {"description", "supports", "dependencies"}, name
PYTHON

# The port's script, run with vcpkg's functions replaced by ones that write the options down.
cat >"$work/port.cmake" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
function(vcpkg_from_github)
  cmake_parse_arguments(PARSE_ARGV 0 A "" "OUT_SOURCE_PATH;REPO;REF;SHA512;HEAD_REF" "")
  if(A_UNPARSED_ARGUMENTS OR NOT A_REPO MATCHES "^[a-z0-9-]+/[a-z0-9-]+$" OR NOT A_REF STREQUAL "v${VERSION}" OR NOT A_HEAD_REF
     OR NOT A_SHA512 MATCHES "^(0|[0-9a-f]+)$")
    message(FATAL_ERROR "vcpkg_from_github(${ARGV})")
  endif()
  file(WRITE "${WORK}/port_homepage" "https://github.com/${A_REPO}")
  set(${A_OUT_SOURCE_PATH} "${ROOT}" PARENT_SCOPE)
endfunction()
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
foreach(name vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_copy_pdbs vcpkg_copy_tools vcpkg_install_copyright)
  cmake_language(EVAL CODE "function(${name})\n  file(APPEND \"\${WORK}/port_steps\" \"${name} \")\nendfunction()")
endforeach()
set(VCPKG_LIBRARY_LINKAGE static)
set(FEATURES core tools)
set(PORT gemma4)
set(CURRENT_PACKAGES_DIR "${WORK}/packages")
include("${PORTFILE}")
CMAKE
cmake -DWORK="$work" -DROOT="$root" -DVERSION="$version" -DPORTFILE="$here/vcpkg/gemma4/portfile.cmake" -P "$work/port.cmake" >/dev/null
[ "$(cat "$work/port_source")" = "$root" ] || die "the port builds something else than it fetches: $(cat "$work/port_source")"
grep -qF "\"homepage\": \"$(cat "$work/port_homepage")\"" "$here/vcpkg/gemma4/vcpkg.json" || die "the port fetches from elsewhere than its homepage"
steps="vcpkg_cmake_install vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_copy_pdbs vcpkg_copy_tools vcpkg_install_copyright "
[ "$(cat "$work/port_steps")" = "$steps" ] || die "expected the port's steps $steps, found $(cat "$work/port_steps")"
mapfile -t options <"$work/port_options"

# The recipe's index and sources name the version; source(), generate() and package_info() run with stand-ins for Conan's classes.
printf 'versions:\n  "%s":\n    folder: all\n' "$version" | cmp - "$here/conan/config.yml" || die "config.yml differs from the above"
python3 - "$here/conan/all" "$version" "$work/conan_options" <<'PYTHON'
import re, sys, types
from unittest.mock import MagicMock
folder, version, out_path = sys.argv[1:]
data = open(folder + "/conandata.yml").read()
url, sha256 = re.search(r'\n  "%s":\n    url: "(\S+)"\n    sha256: "([0-9a-f]{64})"\n' % re.escape(version), data).groups()
assert url.endswith(f"/v{version}.tar.gz"), url
variables = {}
class ConanFile: pass
toolchain = MagicMock(return_value=MagicMock(cache_variables=variables))
get = MagicMock()
for name, parts in {"conan": {"ConanFile": ConanFile}, "conan.tools": {}, "conan.tools.build": {"check_min_cppstd": None, "can_run": None},
                    "conan.tools.cmake": {"CMake": None, "CMakeDeps": MagicMock(), "CMakeToolchain": toolchain, "cmake_layout": None},
                    "conan.tools.files": {"copy": None, "get": get, "rmdir": None}}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(parts)

def recipe_of(path, name):
    recipe = {}
    exec(compile(open(path).read(), path, "exec"), recipe)
    return recipe[name]()

def components(shared):
    recipe.options.shared = shared
    recipe.cpp_info = MagicMock(components={name: MagicMock(spec=["set_property", "libs"]) for name in ("cxx", "c")})
    recipe.package_info()
    return recipe.cpp_info.components

recipe = recipe_of(folder + "/conanfile.py", "Gemma4Conan")
for key in ("name", "description", "license", "url", "homepage", "topics", "package_type", "settings", "options", "default_options"):
    assert getattr(recipe, key), key
assert not hasattr(recipe, "version")  # the index gives it
assert url.startswith(recipe.homepage + "/"), url
recipe.version, recipe.conan_data = version, {"sources": {version: {"url": url, "sha256": sha256}}}
recipe.source()
get.assert_called_once_with(recipe, url=url, sha256=sha256, strip_root=True)
recipe.settings = types.SimpleNamespace(os="Linux")
recipe.options = types.SimpleNamespace(shared=False)
recipe.generate()
assert variables
assert components(False)["c"].requires == ["cxx"] and not hasattr(components(True)["c"], "requires")
with open(out_path, "w") as out:
    for name, value in variables.items():
        print(f"-D{name}={'ON' if value else 'OFF'}", file=out)
recipe_of(folder + "/test_package/conanfile.py", "Gemma4TestConan")
PYTHON
mapfile -t -O ${#options[@]} options <"$work/conan_options"

# Every option is the project's, and configuring with them works.
for option in "${options[@]}"; do
  name=${option#-D}
  grep -qE "^(option|set)\(${name%%=*} " "$root/CMakeLists.txt" || die "$option is no option of the project"
done
cmake -S "$root" -B "$work/build" -DCMAKE_BUILD_TYPE=Release "${options[@]}" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "configuring failed"; }
! grep -A3 'were not used' "$work/log" >&2 || die "options are not used"
echo "recipes: ${#options[@]} options, all the project's"
