"""lit configuration: the tests of test/<Room>/, each a .test or .onnxtxt file with RUN lines.

Substitutions: xf-analyze, xf-opt, FileCheck, not, split-file, %python, %models (the checked-in graphs),
%inputs (test/Inputs), %root (the project); lit's own %s, %t, %S, %T.
Features: release, debug or asan (the build type); long (make test-long).
"""

import os
import sys

import lit.formats
import lit.util

config.name = "xfa-" + config.xfa_build_type.lower()
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".test", ".onnxtxt"]
config.excludes = ["Inputs", "unit", "e2e", "fuzz", "shared"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.xfa_build_dir, "test")

config.available_features.add(config.xfa_build_type.lower())
try:
    for descriptor in os.openpty():
        os.close(descriptor)
    config.available_features.add("pty")
except OSError:
    pass  # a bare chroot has none
if lit_config.params.get("long"):
    config.available_features.add("long")

# Output must not depend on who runs the tests, nor on their terminal.
for variable in ("COLUMNS", "NO_COLOR", "CLICOLOR_FORCE", "LC_ALL"):
    config.environment.pop(variable, None)
config.environment["LC_ALL"] = "C.UTF-8"
# LLVM's arena poisons what it has not given out; the part of it that is in LLVM's own library is not instrumented and does
# not take the poison away again.
config.environment["ASAN_OPTIONS"] = "detect_leaks=1:strict_string_checks=1:allow_user_poisoning=0"
config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1"

# A name is replaced where it stands as a command of its own, not as a part of a path or of an option.
programs = [(name, os.path.join(config.xfa_build_dir, "bin", name)) for name in ("xf-analyze", "xf-opt")]
programs += [(name, os.path.join(config.llvm_bin_dir, name)) for name in ("FileCheck", "not", "split-file")]
for name, path in programs:
    config.substitutions.append((r"(?<![\w./%-])" + name + r"(?![\w./-])", path))
config.substitutions += [
    ("%python", sys.executable),
    ("%models", os.path.join(config.xfa_source_dir, "models")),
    ("%inputs", os.path.join(config.test_source_root, "Inputs")),
    ("%root", config.xfa_source_dir),
]
