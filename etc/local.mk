# SPDX-License-Identifier: ISC
EXTRA_DIST += etc/packages.debian
