# SPDX-License-Identifier: ISC
# What the filter makes of SPF, DMARC and ARC.
EXTRA_DIST += tests/unit/spf_cases.txt
check_PROGRAMS += tests/unit/test_spf
tests_unit_test_spf_SOURCES = tests/unit/test_spf.c
tests_unit_test_spf_LDADD = worker/libworker.a common/libcommon.a $(BSD_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_dmarc
tests_unit_test_dmarc_SOURCES = tests/unit/test_dmarc.c
tests_unit_test_dmarc_LDADD = worker/libworker.a $(COMMON_LIBS) $(IDN_LIBS) $(PSL_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_dns_plan
tests_unit_test_dns_plan_SOURCES = tests/unit/test_dns_plan.c
tests_unit_test_dns_plan_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_arc
tests_unit_test_arc_SOURCES = tests/unit/test_arc.c
tests_unit_test_arc_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(IDN_LIBS) $(UNIT_LIBS)
