# SPDX-License-Identifier: ISC
common_libcommon_a_SOURCES += \
	common/mime/address.c common/mime/address.h \
	common/mime/authors.c common/mime/authors.h \
	common/mime/authserv_id.c common/mime/authserv_id.h \
	common/mime/bodystructure.c \
	common/mime/charset.c common/mime/charset.h common/mime/charset_tables.h \
	common/mime/content.c common/mime/content.h \
	common/mime/decode.c common/mime/decode.h \
	common/mime/date.c common/mime/date.h \
	common/mime/envelope.c \
	common/mime/fold.c \
	common/mime/header.c common/mime/header.h \
	common/mime/kept.c common/mime/kept.h \
	common/mime/lines.c common/mime/lines.h \
	common/mime/out.c common/mime/out.h \
	common/mime/parameters.c \
	common/mime/render.h \
	common/mime/search.c \
	common/mime/section.c \
	common/mime/seven_bit.c common/mime/seven_bit.h common/mime/seven_bit_read.c \
	common/mime/structure.c common/mime/structure.h \
	common/mime/subject.c common/mime/subject.h \
	common/mime/preview.c common/mime/preview.h \
	common/mime/summary.c common/mime/summary.h \
	common/mime/text.h common/mime/words.c
nodist_common_libcommon_a_SOURCES = common/mime/charset_tables.c
common/mime/charset_tables.c: $(srcdir)/common/mime/charset_tables.py
	$(AM_V_GEN)mkdir -p common/mime && python3 $(srcdir)/common/mime/charset_tables.py > $@.part && \
		mv $@.part $@
CLEANFILES += common/mime/charset_tables.c
EXTRA_DIST += common/mime/charset_tables.py
