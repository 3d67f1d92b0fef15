import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, get, rmdir

required_conan_version = ">=2.0.9"


class Gemma4Conan(ConanFile):
    name = "gemma4"
    description = "Gemma 4 language models on ordinary processors, for C and C++"
    license = "Apache-2.0"
    url = "https://github.com/conan-io/conan-center-index"
    homepage = "https://github.com/gemma4/gemma4"
    topics = ("llm", "gemma", "inference", "cpu")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # shared: the C library; the C++ one is always static
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]

    def layout(self):
        cmake_layout(self, src_folder="src")

    def requirements(self):
        self.requires("simdjson/[>=3 <5]")
        self.requires("xxhash/[>=0.8 <1]")

    def validate_build(self):
        check_min_cppstd(self, 20)

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["GEMMA4_BUILD_TESTS"] = False
        toolchain.cache_variables["GEMMA4_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["GEMMA4_BUILD_BENCHMARKS"] = False
        toolchain.cache_variables["GEMMA4_INSTALL"] = True
        toolchain.cache_variables["GEMMA4_C_SHARED"] = bool(self.options.shared)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        for folder in (("lib", "cmake"), ("lib", "pkgconfig"), ("share",)):
            rmdir(self, os.path.join(self.package_folder, *folder))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "gemma4")
        cxx = self.cpp_info.components["cxx"]
        cxx.set_property("cmake_target_name", "gemma4::gemma4")
        cxx.set_property("pkg_config_name", "gemma4")
        cxx.libs = ["gemma4"]
        cxx.requires = ["simdjson::simdjson", "xxhash::xxhash"]
        c = self.cpp_info.components["c"]
        c.set_property("cmake_target_name", "gemma4::c")
        c.set_property("pkg_config_name", "gemma4-c")
        c.libs = ["gemma4_c"]
        if not self.options.shared:
            c.requires = ["cxx"]
            c.defines = ["GEMMA4_STATIC"]
        if self.settings.os in ("Linux", "FreeBSD"):
            cxx.system_libs = ["m", "pthread"]
            if not self.options.shared:
                c.system_libs = ["stdc++"]
