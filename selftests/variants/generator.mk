# SPDX-License-Identifier: GPL-2.0
# Writes records of known content when it is told to: see selftests/variants/generator.c.
sshobs-y += selftests/variants/generator.o
