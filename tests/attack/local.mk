# SPDX-License-Identifier: ISC
# Attacks on the walls: peers that lie, and an attacker inside each role. Built for the tests only.
check_PROGRAMS += tests/attack/test_foreign_messages
tests_attack_test_foreign_messages_SOURCES = tests/attack/test_foreign_messages.c \
	tests/attack/house.c tests/attack/house.h
tests_attack_test_foreign_messages_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_lies
tests_attack_test_lies_SOURCES = tests/attack/test_lies.c tests/attack/house.c tests/attack/house.h
tests_attack_test_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_export_lies
tests_attack_test_export_lies_SOURCES = tests/attack/test_export_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_export_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_admin_lies
tests_attack_test_admin_lies_SOURCES = tests/attack/test_admin_lies.c \
	tests/attack/house.c tests/attack/house.h
tests_attack_test_admin_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_client_lies
tests_attack_test_client_lies_SOURCES = tests/attack/test_client_lies.c tests/attack/house.c \
	tests/attack/house.h $(PROOFS_SOURCES)
tests_attack_test_client_lies_LDADD = $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_scram_lies
tests_attack_test_scram_lies_SOURCES = tests/attack/test_scram_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_scram_lies_LDADD = $(COMMON_LIBS) $(NETTLE_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_cert_lies
tests_attack_test_cert_lies_SOURCES = tests/attack/test_cert_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_cert_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

# Runs postern-certd, and the other program beside it, as its importer.
check_PROGRAMS += tests/attack/test_import_lies
tests_attack_test_import_lies_SOURCES = tests/attack/test_import_lies.c $(CERTD_TEST_SUPPORT)
tests_attack_test_import_lies_LDADD = $(CERTD_LIBS) $(UNIT_LIBS)
EXTRA_PROGRAMS += tests/attack/lying-importer
tests_attack_lying_importer_SOURCES = tests/attack/lying_importer.c
tests_attack_lying_importer_LDADD = $(COMMON_LIBS)
check_DATA = tests/attack/lying-importer
CLEANFILES += tests/attack/lying-importer

EXTRA_PROGRAMS += tests/attack/postern-attacker
tests_attack_postern_attacker_SOURCES = tests/attack/attacker.c
tests_attack_postern_attacker_LDADD = verify/libverify.a $(WORKER_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) \
	$(UNBOUND_LIBS) $(PSL_LIBS) $(IDN_LIBS)
check_DATA += tests/attack/postern-attacker
CLEANFILES += tests/attack/postern-attacker

check_PROGRAMS += tests/attack/test_relay_lies
tests_attack_test_relay_lies_SOURCES = tests/attack/test_relay_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_relay_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_filter_lies
tests_attack_test_filter_lies_SOURCES = tests/attack/test_filter_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_filter_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_check_lies
tests_attack_test_check_lies_SOURCES = tests/attack/test_check_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_check_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_dkim_lies
tests_attack_test_dkim_lies_SOURCES = tests/attack/test_dkim_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_dkim_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_lookup_lies
tests_attack_test_lookup_lies_SOURCES = tests/attack/test_lookup_lies.c tests/attack/house.c \
	tests/attack/house.h
tests_attack_test_lookup_lies_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/attack/test_client_key_lies
tests_attack_test_client_key_lies_SOURCES = tests/attack/test_client_key_lies.c \
	tests/attack/house.c tests/attack/house.h tests/unit/made_transcript.h
tests_attack_test_client_key_lies_LDADD = $(COMMON_LIBS) $(UNIT_LIBS)
