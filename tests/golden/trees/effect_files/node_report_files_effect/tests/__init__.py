"""Tests of NodeReportFilesEffect."""
