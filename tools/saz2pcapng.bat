@echo off
rem SPDX-License-Identifier: GPL-2.0-or-later
rem Wireshark on Windows starts programs of its extcap folder by their ending: this one starts the script beside it.
setlocal
where py >nul 2>nul
if %errorlevel%==0 (py -3 "%~dp0saz2pcapng" %*) else (python "%~dp0saz2pcapng" %*)
exit /b %errorlevel%
