# SPDX-License-Identifier: ISC
dist_doc_DATA += etc/postern.conf
EXTRA_DIST += etc/packages.debian etc/install-packages etc/quickstart.py \
	etc/systemd/postern.service.in etc/systemd/postern.sysusers.conf \
	etc/systemd/postern.tmpfiles.conf.in

# Paths are known only to make, not to configure: exec_prefix may be set there.
etc/systemd/%: $(srcdir)/etc/systemd/%.in Makefile
	$(AM_V_GEN)$(MKDIR_P) etc/systemd && sed -e 's,@sbindir[@],$(sbindir),g' \
	    -e 's,@sysconfdir[@],$(sysconfdir),g' -e 's,@statedir[@],$(statedir),g' $< > $@
CLEANFILES += etc/systemd/postern.service etc/systemd/postern.tmpfiles.conf

if INSTALL_SYSTEMD
systemdunitdir = $(systemdsystemunitdir)
nodist_systemdunit_DATA = etc/systemd/postern.service
install-data-hook: etc/systemd/postern.tmpfiles.conf
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(tmpfilesdir)"
	$(INSTALL_DATA) $(srcdir)/etc/systemd/postern.sysusers.conf \
	    "$(DESTDIR)$(sysusersdir)/postern.conf"
	$(INSTALL_DATA) etc/systemd/postern.tmpfiles.conf "$(DESTDIR)$(tmpfilesdir)/postern.conf"
uninstall-hook:
	rm -f "$(DESTDIR)$(sysusersdir)/postern.conf" "$(DESTDIR)$(tmpfilesdir)/postern.conf"
endif
# distcheck installs as a user who can't write to the system's folders.
AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$${prefix}/lib/systemd/system'

fail2bandir = $(sysconfdir)/fail2ban/filter.d
dist_fail2ban_DATA = etc/fail2ban/filter.d/postern.conf
