# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += worker/gate/tls.h
