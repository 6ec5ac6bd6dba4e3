"""The estimators do what scikit-learn's users expect."""

import pickle

import numpy as np
import pytest
from conftest import QUICK
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import headstart
from headstart import HeadstartClassifier, HeadstartFeatures

#: What does not feed estimators arrays of numbers: these take images.
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
    "check_do_not_raise_errors_in_init_or_set_param",
]


@pytest.fixture(scope="module")
def fitted(files):
    paths, labels = files
    return HeadstartClassifier(**QUICK).fit(paths, labels)


@pytest.mark.parametrize("estimator", [HeadstartClassifier(), HeadstartFeatures()], ids=repr)
@pytest.mark.parametrize("check", CHECKS)
def test_scikit_learn_s_checks(estimator, check):
    check = getattr(estimator_checks, check, None) or pytest.skip("this scikit-learn has no such check")
    check(type(estimator).__name__, estimator)


def test_a_classifier_is_one(fitted, files):
    paths, labels = files
    assert is_classifier(fitted)
    assert list(fitted.classes_) == ["left", "right"]
    shares = fitted.predict_proba(paths)
    assert shares.shape == (len(paths), 2) and np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    calls = np.where(shares[:, 1] >= fitted.model_.threshold, "right", "left")
    assert np.array_equal(fitted.predict(paths), calls)
    assert fitted.score(paths, labels) == np.mean(calls == np.array(labels))
    assert "test" not in fitted.run_.metrics and "validation" in fitted.run_.metrics


def test_a_fit_replaces_what_was_there_and_a_clone_has_nothing(fitted, files):
    copy = clone(fitted.set_params(seed=3))
    assert copy.get_params() == fitted.get_params() and not hasattr(copy, "model_")
    with pytest.raises(Exception, match="not fitted"):
        copy.predict(files[0])
    assert copy.fit(*files).model_.to_bytes() == fitted.model_.to_bytes()


def test_a_pickle_holds_the_sealed_bytes(fitted, files):
    again = pickle.loads(pickle.dumps(fitted))
    assert again.get_params() == fitted.get_params() and not hasattr(again, "run_")
    assert np.array_equal(again.predict_proba(files[0]), fitted.predict_proba(files[0]))
    assert hasattr(fitted, "run_")


def test_a_classifier_is_saved_and_loaded(fitted, files, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    loaded = HeadstartClassifier.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.predict(files[0]), fitted.predict(files[0]))


@pytest.mark.parametrize("names", [(2, 10), (False, True), ("ä", "b")])
def test_labels_come_back_as_they_were(files, names):
    paths, labels = files
    own = [names[label == "right"] for label in labels]
    classifier = HeadstartClassifier(**QUICK).fit(np.array(paths), np.array(own))
    assert np.array_equal(classifier.classes_, np.unique(own))
    found = classifier.predict(paths[:3])
    assert found.dtype == classifier.classes_.dtype
    assert np.mean(classifier.predict(paths) == np.array(own)) == classifier.score(paths, own) > 0.6


def test_a_classifier_is_cross_validated_by_patients(files):
    paths, labels = files
    groups = [index // 4 for index in range(len(paths))]
    scores = cross_val_score(HeadstartClassifier(**QUICK), paths, labels, groups=groups, cv=GroupKFold(2))
    assert scores.shape == (2,) and np.all((scores >= 0) & (scores <= 1))


def test_features_work_in_pipelines_searches_and_cross_validations(files):
    paths, labels = files
    pipeline = make_pipeline(HeadstartFeatures(image_size=64), LogisticRegression(max_iter=500))
    called = cross_val_predict(pipeline, paths, labels, cv=3)
    assert np.mean(called == np.array(labels)) > 0.8
    grid = {"headstartfeatures__cut": [None, "last-block"], "logisticregression__C": [0.1, 1]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(paths, labels)
    assert search.best_score_ > 0.7 and len(search.cv_results_["params"]) == 4
    assert np.array_equal(pickle.loads(pickle.dumps(search)).predict(paths), search.predict(paths))


def test_features_of_any_images(files):
    paths = files[0][:5]
    transformer = HeadstartFeatures(image_size=64)
    of_paths = transformer.fit_transform(paths)
    assert of_paths.shape == (5, transformer.n_features_out_) == (5, len(transformer.get_feature_names_out()))
    assert np.array_equal(transformer.transform(np.array(paths, dtype=object)[:, None]), of_paths)
    assert np.array_equal(transformer.transform([Image.open(path) for path in paths]), of_paths)
    assert np.array_equal(transformer.transform([paths[1], paths[0], paths[1]]), of_paths[[1, 0, 1]])
    grey = np.stack([np.asarray(Image.open(path)) for path in paths])
    assert np.array_equal(transformer.transform(grey), of_paths)
    deeper = HeadstartFeatures(image_size=64, cut="last-block").transform(paths)
    assert deeper.shape[0] == 5 and deeper.shape != of_paths.shape


def test_splits_can_be_given(files):
    paths, labels = files
    splits = (["train"] * 60 + ["val"] * 20) * 2
    classifier = HeadstartClassifier(**QUICK).fit(paths, labels, splits=splits)
    assert classifier.run_.metrics["validation"]["images"] == 40
    assert classifier.model_.description["training_images"] == 120


def test_settings_change_the_recipe(files):
    paths, labels = files
    classifier = HeadstartClassifier(**QUICK, epochs=np.int64(2), settings={"patience": 9}).fit(paths, labels)
    assert len(classifier.run_.history) == 2
    assert "patience = 9" in classifier.model_.description["recipe"]
    with pytest.raises(ValueError, match="settings: unknown field `patients`"):
        HeadstartClassifier(**QUICK, settings={"patients": 9}).fit(paths, labels)
    assert issubclass(headstart.HeadstartWarning, UserWarning)
