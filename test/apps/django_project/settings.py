"""A Django project with static files of its own; where they are collected is said by the environment."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "for tests only"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_project.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
MIDDLEWARE = []
STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("TEST_STATIC_ROOT") or None
STATICFILES_DIRS = [os.environ["TEST_STATIC_SOURCE"]] if "TEST_STATIC_SOURCE" in os.environ else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
MEDIA_URL = "/media/"
MEDIA_ROOT = os.environ.get("TEST_MEDIA_ROOT", "")
WSGI_APPLICATION = "django_project.wsgi.application"
