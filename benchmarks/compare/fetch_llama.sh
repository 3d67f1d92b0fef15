#!/usr/bin/env bash
# fetch_llama.sh FOLDER: prebuilt llama.cpp for comparison, out of the npm package node-llama-cpp.
# FOLDER/lib gets the libraries, FOLDER/include the headers of the same version. Does nothing when they are there.
set -euo pipefail
version=3.22.1
[ $# -eq 1 ] || { echo "usage: fetch_llama.sh FOLDER" >&2; exit 2; }
folder=$1
[ ! -e "$folder/complete" ] || exit 0

case $(uname -s)-$(uname -m) in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  *) echo "fetch_llama.sh: no prebuilt llama.cpp for $(uname -s) on $(uname -m) is known" >&2; exit 1 ;;
esac
for tool in npm git tar; do
  command -v "$tool" >/dev/null || { echo "fetch_llama.sh: $tool is missing" >&2; exit 1; }
done

echo "Fetching llama.cpp (node-llama-cpp $version, 46 MB) into $folder" >&2
rm -rf "$folder"
mkdir -p "$folder/lib" "$folder/include" "$folder/tmp"
cd "$folder/tmp"
npm pack --silent "node-llama-cpp@$version" "@node-llama-cpp/$platform@$version" >/dev/null
mkdir source binary
tar xzf "node-llama-cpp-$version.tgz" -C source
tar xzf "node-llama-cpp-$platform-$version.tgz" -C binary
# The package carries llama.cpp's own sources as a git bundle of the release that its libraries are built from.
git clone --quiet --bare source/package/llama/gitRelease.bundle llama.git
git -C llama.git archive HEAD include ggml/include LICENSE | tar x
cp include/*.h ggml/include/*.h ../include/
cp LICENSE ../
cp binary/package/bins/"$platform"/*.so ../lib/
sed -n 's/.*"release": *"\([^"]*\)".*/\1/p' source/package/llama/binariesGithubRelease.json > ../version
cd ..
rm -rf tmp
touch complete
