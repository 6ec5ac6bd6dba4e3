//! The examples run as they stand.

#[path = "../examples/backbone.rs"]
mod backbone;
#[path = "../examples/features.rs"]
mod features;
#[path = "../examples/predict.rs"]
mod predict;
#[path = "../examples/recipe.rs"]
mod recipe;
#[path = "../examples/train.rs"]
mod train;

#[test]
fn a_training_writes_a_run_whose_model_classifies() {
    train::main().expect("the example runs");
}

#[test]
fn features_are_an_array() {
    features::main().expect("the example runs");
}

#[test]
fn a_recipe_is_built_in_code() {
    recipe::main().expect("the example runs");
}

#[test]
fn a_backbone_of_ones_own_is_trained() {
    backbone::main().expect("the example runs");
}

#[test]
fn without_a_model_it_says_what_it_expects() {
    predict::main().expect("the example runs");
}
